"""One account as administrators see it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event as sql_event

from portal.actions.metering.notes import write_note
from portal.actions.people.accounts import set_active
from portal.actions.people.deletion import delete_account
from portal.actions.people.sessions import Browser, open_session_for
from portal.actions.spending.allowances import grant_allowance
from portal.actions.spending.budgets import set_budget
from portal.db.people.sessions import set_failures
from portal.db.sql.session import Database, run_in_reading
from portal.db.tables import Account
from portal.errors import Forbidden, NotFound, OnlyLooking
from portal.rules.metering.usage import UsageFilter
from portal.rules.people.account_list import AccountStatus
from portal.rules.people.accounts import Role
from portal.rules.people.throttling import Failures
from portal.rules.periods import Period
from portal.rules.spending.allowances import NewAllowance
from portal.rules.spending.budgets import Limits
from portal.views.metering.usage import load_usage
from portal.views.people.account import load_account, load_account_page, load_sessions
from portal.views.people.person import load_billing_of, load_export_of, load_person, load_usage_of
from portal.views.spending.billing import load_billing
from tests.cast import NOW, OPERATOR, Gateway, acting, new_team, report, run, send, viewer_of


def test_a_page_has_everything_of_one_account(alice: Account, bob: Account, admin: Account, gateway: Gateway) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(monthly=1000), NOW)
    run(grant_allowance, OPERATOR, alice.id, NewAllowance(Period.MONTHLY, 500, "Thesis", NOW + timedelta(1)), NOW)
    for account in (alice, bob):
        run(open_session_for, account.id, Browser("Firefox", "192.0.2.1"), NOW)
    send(gateway, report(prompt_tokens=980), report("b", username="bob"))
    view = run(load_account_page, acting(admin), alice.id, NOW)
    assert (view.account.username, view.account.status, view.account.role) == ("alice", AccountStatus.ACTIVE, Role.USER)
    assert (view.limits.monthly, view.budgets.monthly.budget.limit) == (1000, 1500)
    assert view.budgets.total.budget.consumed == 1000
    assert [row.tokens for row in view.allowances] == [500]
    assert [row.address for row in view.sessions] == ["192.0.2.1"]
    assert {entry.account_id for entry in view.entries} == {alice.id}
    assert [entry.action for entry in view.entries][:2] == ["allowance.grant", "budget.set"]


def test_an_account_has_its_team_and_its_lock(alice: Account) -> None:
    new_team("Research", alice)
    run(set_failures, "account", "alice", Failures(20, NOW))
    found = run(load_account, OPERATOR, alice.id, NOW)
    assert found.team == "Research"
    assert found.locked_until is not None
    assert run(load_account, OPERATOR, alice.id, found.locked_until).locked_until is None


def test_the_page_of_an_account_only_reads(alice: Account, db: Database) -> None:
    statements: list[str] = []

    def note(*event: Any) -> None:
        statements.append(event[2])

    sql_event.listen(db.engine, "before_cursor_execute", note)
    run_in_reading(load_account_page, OPERATOR, alice.id, NOW)
    sql_event.remove(db.engine, "before_cursor_execute", note)
    assert statements
    assert [
        text for text in statements if not text.startswith(("SELECT", "WITH", "BEGIN")) or "FOR UPDATE" in text
    ] == []


@pytest.mark.parametrize("load", [load_account, load_account_page, load_sessions, load_person, load_billing_of])
def test_only_administrators_read_existing_accounts(load: Callable[..., object], alice: Account, bob: Account) -> None:
    with pytest.raises(Forbidden):
        run(load, acting(bob), alice.id, NOW)
    with pytest.raises(NotFound):
        run(load, OPERATOR, 999_999, NOW)


def test_a_deleted_account_has_its_usage_only(alice: Account, gateway: Gateway) -> None:
    send(gateway, report(prompt_tokens=980))
    run(delete_account, OPERATOR, alice.id, NOW)
    view = run(load_account_page, OPERATOR, alice.id, NOW)
    assert (view.account.is_deleted, view.account.may_be_seen, view.sessions) == (True, False, ())
    assert view.budgets.total.figures.tokens == 1000


def test_nobody_acts_as_an_administrator_or_a_suspended_person(alice: Account, admin: Account) -> None:
    assert run(load_account, OPERATOR, alice.id, NOW).may_be_seen
    assert not run(load_account, OPERATOR, admin.id, NOW).may_be_seen
    run(set_active, OPERATOR, alice.id, False, NOW)
    assert not run(load_account, OPERATOR, alice.id, NOW).may_be_seen


def test_usage_and_billing_are_those_of_the_person(alice: Account, bob: Account, gateway: Gateway) -> None:
    send(gateway, report(prompt_tokens=980), report("b", username="bob"))
    wanted = UsageFilter()
    seen, own = run(load_usage_of, OPERATOR, alice.id, wanted, NOW), run(load_usage, viewer_of(alice), wanted, NOW)
    assert (seen.totals, [row.id for row in seen.rows]) == (own.totals, [row.id for row in own.rows])
    assert run(load_billing_of, OPERATOR, alice.id, NOW) == run(load_billing, alice.id, NOW)


def test_notes_of_a_person_are_left_out(alice: Account, gateway: Gateway) -> None:
    send(gateway, report())
    row = run(load_usage, viewer_of(alice), UsageFilter(), NOW).rows[0]
    run(write_note, acting(alice), row.id, "private", NOW)
    assert run(load_usage, viewer_of(alice), UsageFilter(), NOW).rows[0].note == "private"
    assert run(load_usage_of, OPERATOR, alice.id, UsageFilter(), NOW).rows[0].note is None
    exported = run(lambda session: list(load_export_of(session, OPERATOR, alice.id, UsageFilter(), NOW)))
    assert [row.note for row in exported] == [None]


def test_the_person_of_an_account_changes_nothing(alice: Account, admin: Account) -> None:
    person = run(load_person, acting(admin), alice.id, NOW)
    with pytest.raises(OnlyLooking):
        run(set_budget, person.actor, alice.id, Limits(), NOW)
