"""Budgets that new accounts get."""

from dataclasses import replace

import pytest

from portal.actions.people.new_accounts import create_account
from portal.actions.spending.default_budgets import change_default_budget, set_default_budget
from portal.db.spending.budgets import limits
from portal.db.spending.default_budgets import default_budgets
from portal.db.tables import Account
from portal.errors import Forbidden, InvalidInput
from portal.rules.people.accounts import Role
from portal.rules.spending.budgets import MAX_LIMIT, BudgetType, Limits
from tests.cast import NOW, OPERATOR, acting, audit_log, run
from tests.queries import entries

GENEROUS = Limits(1_000, 20_000, None)


def new_account(name: str, role: Role) -> Account:
    return run(create_account, OPERATOR, name, f"{name}@example.org", role, None, NOW)


def test_new_account_gets_the_budget_of_its_role(alice: Account) -> None:
    run(set_default_budget, OPERATOR, Role.USER, GENEROUS, NOW)
    run(set_default_budget, OPERATOR, Role.EXPERT, Limits(total=7, type=BudgetType.ONE_TIME), NOW)
    assert run(limits, new_account("una", Role.USER).id) == GENEROUS
    assert run(limits, new_account("xaver", Role.EXPERT).id) == Limits(total=7, type=BudgetType.ONE_TIME)
    assert run(limits, new_account("ada", Role.ADMIN).id) == Limits()
    assert run(limits, alice.id) == Limits(), "present accounts keep theirs"


def test_audit_entry_of_a_new_account_has_its_budget(db: object) -> None:
    run(set_default_budget, OPERATOR, Role.USER, GENEROUS, NOW)
    (entry,) = run(entries, new_account("una", Role.USER).id)
    assert '"monthly": 20000' in (entry.after or "")


def test_removed_default_gives_no_budget(db: object) -> None:
    run(set_default_budget, OPERATOR, Role.USER, GENEROUS, NOW)
    run(set_default_budget, OPERATOR, Role.USER, None, NOW)
    assert run(limits, new_account("una", Role.USER).id) == Limits()
    assert run(default_budgets) == dict.fromkeys(Role)


def test_change_keeps_the_other_limits(db: object) -> None:
    run(set_default_budget, OPERATOR, Role.USER, GENEROUS, NOW)
    assert run(change_default_budget, OPERATOR, Role.USER, {"daily": None}, NOW) == replace(GENEROUS, daily=None)
    assert run(default_budgets)[Role.USER] == replace(GENEROUS, daily=None)
    assert [(what, details["role"]) for _, what, details in audit_log()] == [("budget.default", "user")] * 2


@pytest.mark.parametrize("field", ["daily", "monthly", "total"])
@pytest.mark.parametrize("limit", [-1, MAX_LIMIT + 1, 2**70])
def test_limit_out_of_bounds_changes_nothing(db: object, field: str, limit: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(change_default_budget, OPERATOR, Role.USER, {field: limit}, NOW)
    assert caught.value.field == field
    assert run(default_budgets) == dict.fromkeys(Role)


def test_only_administrators_set_it(alice: Account, admin: Account) -> None:
    with pytest.raises(Forbidden):
        run(set_default_budget, acting(alice), Role.USER, Limits(), NOW)
    run(set_default_budget, acting(admin), Role.USER, GENEROUS, NOW)
    assert run(default_budgets)[Role.USER] == GENEROUS
