"""Changing many accounts: each is whole or untouched."""

from datetime import timedelta
from decimal import Decimal

import pytest

from portal.actions.people import account_bulk
from portal.actions.people.account_bulk import BulkRun, targets_with_ids
from portal.actions.people.accounts import edit_account
from portal.actions.spending.default_budgets import set_default_budget
from portal.actions.templates import define_template
from portal.db.people.accounts import all_accounts
from portal.db.spending.budgets import limits
from portal.db.tables import Account
from portal.errors import Conflict, Forbidden, InvalidInput
from portal.rules.people.account_bulk import BulkChange, BulkKind, BulkProgress
from portal.rules.people.accounts import Role
from portal.rules.people.actors import Actor
from portal.rules.spending.budgets import MAX_LIMIT, Limits
from tests.cast import NOW, OPERATOR, acting, audit_log, create_member, new_team, run


def change_all(change: BulkChange, actor: Actor = OPERATOR) -> BulkProgress:
    targets = run(targets_with_ids, OPERATOR, [row.id for row in run(all_accounts)])
    return BulkRun(actor, change, targets).run()


def row(name: str) -> Account:
    (found,) = (each for each in run(all_accounts) if each.username == name)
    return found


def reasons(progress: BulkProgress) -> dict[str, str]:
    return {each.username: str(each.reason) for each in progress.left_out}


def test_budgets_are_set_with_an_entry_each(alice: Account, bob: Account) -> None:
    done = change_all(BulkChange(BulkKind.BUDGET, Limits(daily=5)))
    assert (done.changed, done.unchanged, done.left_out, done.stopped) == (2, 0, [], None)
    assert run(limits, alice.id) == run(limits, bob.id) == Limits(daily=5)
    assert [action for _, action, _ in audit_log()].count("budget.set") == 2
    assert change_all(BulkChange(BulkKind.BUDGET, Limits(daily=5))).unchanged == 2


def test_default_budget_is_that_of_each_role(alice: Account, admin: Account) -> None:
    run(set_default_budget, OPERATOR, Role.USER, Limits(total=7), NOW)
    assert change_all(BulkChange(BulkKind.BUDGET)).changed == 1
    assert (run(limits, alice.id), run(limits, admin.id)) == (Limits(total=7), Limits())


def test_team_and_template_are_set_and_removed(alice: Account) -> None:
    team_id = new_team("Physics")
    template_id = run(define_template, OPERATOR, "Coding", Decimal(1), [], NOW)
    change_all(BulkChange(BulkKind.TEAM, name="physics"))
    change_all(BulkChange(BulkKind.TEMPLATE, name="Coding"))
    assert (row("alice").team_id, row("alice").template_id) == (team_id, template_id)
    change_all(BulkChange(BulkKind.TEAM))
    change_all(BulkChange(BulkKind.TEMPLATE))
    assert (row("alice").team_id, row("alice").template_id) == (None, None)


def test_own_account_is_left_out(alice: Account, admin: Account) -> None:
    create_member("second", role="admin")
    done = change_all(BulkChange(BulkKind.SUSPEND), acting(admin))
    assert (done.changed, reasons(done)) == (2, {"root": "This is your own account."})
    assert (row("alice").active, row("second").active, row("root").active) == (False, False, True)
    assert change_all(BulkChange(BulkKind.ACTIVATE), acting(admin)).changed == 2


def test_last_administrator_is_left_out(alice: Account, admin: Account) -> None:
    done = change_all(BulkChange(BulkKind.SUSPEND))
    assert done.changed == 1
    assert "only active administrator" in reasons(done)["root"]


def test_run_ends_with_the_rights(
    alice: Account, bob: Account, admin: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_member("second", role="admin")
    monkeypatch.setattr(account_bulk, "_AT_A_TIME", timedelta(0))  # one account in each step
    targets = run(targets_with_ids, OPERATOR, [alice.id, bob.id])
    change = BulkRun(acting(admin), BulkChange(BulkKind.SUSPEND), targets)
    assert change.step()
    run(edit_account, OPERATOR, admin.id, NOW, role=Role.USER)
    assert not change.step()
    assert "rights as an administrator have ended" in str(change.progress.stopped)
    assert (row("alice").active, row("bob").active) == (False, True)


def test_account_that_was_deleted_is_named(alice: Account) -> None:
    done = BulkRun(OPERATOR, BulkChange(BulkKind.SUSPEND), run(targets_with_ids, OPERATOR, [999, alice.id, 999])).run()
    assert (done.total, done.changed, reasons(done)) == (2, 1, {"999": "There is no such account."})


@pytest.mark.parametrize(
    "change",
    [
        BulkChange(BulkKind.BUDGET, Limits(daily=MAX_LIMIT + 1)),
        BulkChange(BulkKind.TEAM, name="Nobody"),
        BulkChange(BulkKind.TEMPLATE, name="Nothing"),
    ],
    ids=str,
)
def test_wrong_change_is_refused_before_it_begins(alice: Account, change: BulkChange) -> None:
    with pytest.raises((InvalidInput, Conflict)):
        BulkRun(OPERATOR, change, [])


def test_only_administrators_change_many(alice: Account) -> None:
    with pytest.raises(Forbidden):
        BulkRun(acting(alice), BulkChange(BulkKind.SUSPEND), [])
