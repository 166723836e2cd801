"""Limits of accounts."""

import json
from dataclasses import asdict, replace

import pytest

from portal.actions.spending.budgets import change_budget, set_budget
from portal.db.spending.budgets import limits
from portal.db.tables import Account
from portal.errors import InvalidInput, NotFound
from portal.rules.spending.budgets import MAX_LIMIT, BudgetType, Limits
from tests.cast import NOW, OPERATOR, audit_log, run
from tests.queries import entries


@pytest.mark.parametrize(
    "wanted",
    [
        Limits(10, 200, 3000),
        Limits(0, 0, 0),
        Limits(),
        Limits(MAX_LIMIT, MAX_LIMIT, MAX_LIMIT),
        Limits(total=5, type=BudgetType.ONE_TIME),
    ],
)
def test_budget_is_set_and_audited(alice: Account, wanted: Limits) -> None:
    run(set_budget, OPERATOR, alice.id, wanted, NOW)
    assert run(limits, alice.id) == wanted
    (entry,) = run(entries, alice.id)
    assert (entry.actor, entry.action) == (str(OPERATOR), "budget.set")
    old, new = asdict(Limits()), asdict(wanted)
    changed = {name for name in old if old[name] != new[name]}
    assert json.loads(entry.before or "") == {name: old[name] for name in changed}
    assert json.loads(entry.after or "") == {name: new[name] for name in changed}


@pytest.mark.parametrize("field", ["daily", "monthly", "total"])
@pytest.mark.parametrize("limit", [-1, MAX_LIMIT + 1, 2**70])
def test_limit_out_of_bounds_changes_nothing(alice: Account, field: str, limit: int) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(1, 2, 3), NOW)
    with pytest.raises(InvalidInput) as caught:
        run(set_budget, OPERATOR, alice.id, replace(Limits(4, 5, 6), **{field: limit}), NOW)  # type: ignore[arg-type]  # a limit
    assert caught.value.field == field
    assert run(limits, alice.id) == Limits(1, 2, 3)


def test_change_keeps_the_other_limits(alice: Account) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(1, 2, 3), NOW)
    assert run(change_budget, OPERATOR, alice.id, {"daily": None, "total": 9}, NOW) == Limits(None, 2, 9)
    assert run(change_budget, OPERATOR, alice.id, {"type": BudgetType.ONE_TIME}, NOW).type is BudgetType.ONE_TIME
    assert run(limits, alice.id) == Limits(None, 2, 9, BudgetType.ONE_TIME)


def test_unknown_account_gets_no_budget(alice: Account) -> None:
    with pytest.raises(NotFound):
        run(set_budget, OPERATOR, 10**6, Limits(), NOW)
    assert audit_log() == []
