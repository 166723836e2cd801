"""`portal verify` and `portal rebuild`."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from portal.actions.metering.verification import rebuild_account
from portal.clock import utc_now
from portal.db.audit import add_entry
from portal.db.sql.schema import pin_budget_timezone, pinned_budget_timezone
from portal.db.sql.session import Database, database, run_in_reading
from portal.db.tables import Account, UsageCounter
from tests.cast import OPERATOR, Gateway, report, run, send
from tests.cli.terminal import audit, fail, misuse, portal, succeed


@pytest.fixture
def used(alice: Account, bob: Account, gateway: Gateway) -> None:
    """Alice and Bob have each used something."""
    send(gateway, report("r-1"), report("r-2", username="bob"))


@pytest.fixture
def tampered(alice: Account, used: None) -> None:
    """One of Alice's counters says one token too many."""
    wrong = update(UsageCounter).where(UsageCounter.account_id == alice.id, UsageCounter.period == "daily")
    run(lambda session: session.execute(wrong.values(tokens=UsageCounter.tokens + 1)))


def test_true_numbers_are_verified(used: None) -> None:
    done = portal("verify")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "2 accounts, 2 requests" in done.stderr


def test_wrong_counter_is_found_named_and_rebuilt(tampered: None) -> None:
    done = portal("verify")
    assert done.exit_code == 1
    [difference] = done.stdout.splitlines()
    assert difference.startswith("alice, account ")
    assert "daily counter of 2026-11-22: kept 121 tokens" in difference
    assert "events sum to 120 tokens" in difference
    succeed("rebuild")
    assert portal("verify").exit_code == 0
    assert audit()[-1][0] == "ledger.rebuild"


def test_rebuild_counts_days_in_another_zone(db: Database, alice: Account, gateway: Gateway, settings_env: Any) -> None:
    pin_budget_timezone(db, "UTC")
    send(gateway, report(requested_at=datetime(2026, 11, 21, 23, 30, tzinfo=UTC)))
    settings_env(budget_timezone="UTC")
    assert "PORTAL_BUDGET_TIMEZONE=Europe/Berlin" in portal("rebuild", "--budget-timezone", "Europe/Berlin").stderr
    assert run_in_reading(pinned_budget_timezone) == "Europe/Berlin"
    assert "counted in Europe/Berlin" in fail("verify")
    assert "counted in Europe/Berlin" in fail("rebuild")
    settings_env(budget_timezone="Europe/Berlin")
    assert portal("verify").exit_code == 0
    with database().reading() as session:
        days = session.scalars(select(UsageCounter.start).where(UsageCounter.period == "daily"))
        assert [str(day) for day in days] == ["2026-11-22"]


def test_a_portal_without_a_set_zone_counts_in_the_new_one(db: Database, alice: Account, gateway: Gateway) -> None:
    pin_budget_timezone(db, "UTC")
    send(gateway, report(requested_at=datetime(2026, 11, 21, 23, 30, tzinfo=UTC)))
    printed = portal("rebuild", "--budget-timezone", "Europe/Berlin").stderr
    assert "Days are counted in Europe/Berlin now." in printed
    assert "PORTAL_BUDGET_TIMEZONE" not in printed
    assert portal("verify").exit_code == 0
    succeed("rebuild")
    assert run_in_reading(pinned_budget_timezone) == "Europe/Berlin"


def test_a_zone_change_that_fails_changes_nothing(
    db: Database, used: None, settings_env: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin_budget_timezone(db, "UTC")
    calls: list[Any] = []

    def fails_at_the_second(*args: Any) -> None:
        calls.append(args)
        if len(calls) == 2:
            raise OSError(28, "No space left on device", "portal.sqlite3")
        rebuild_account(*args)

    monkeypatch.setattr("portal.actions.metering.verification.rebuild_account", fails_at_the_second)
    assert "No space left" in fail("rebuild", "--budget-timezone", "Pacific/Auckland")
    assert run_in_reading(pinned_budget_timezone) == "UTC"
    assert portal("verify").exit_code == 0


def test_an_unknown_zone_is_wrong_usage(db: Database) -> None:
    assert "Europe/Berlin" in misuse("rebuild", "--budget-timezone", "Mars/Olympus")


def test_old_events_are_pruned_and_the_numbers_still_tie(alice: Account, gateway: Gateway) -> None:
    lately = utc_now() - timedelta(days=2)
    old, new = report("old", requested_at=lately - timedelta(days=500)), report("new", requested_at=lately)
    send(gateway, old, new, now=lately)
    assert succeed("prune", "--keep-events", "400d").startswith("Removed 1 request of days before ")
    assert audit()[-1][0] == "ledger.prune"
    done = portal("verify")
    assert done.exit_code == 0
    assert "1 request, and the sums of 1 pruned one." in done.stderr


@pytest.mark.parametrize("text", ["99d", "0", "-1", "a year", "400h", "999999"])
def test_recent_events_cannot_be_pruned(alice: Account, text: str) -> None:
    assert "at least 100" in misuse("prune", "--keep-events", text)


def test_old_audit_entries_are_pruned(db: Database) -> None:
    run(lambda session: add_entry(session, OPERATOR, "old", utc_now() - timedelta(731)))
    printed = succeed("prune", "--audit", "--held")
    assert printed.splitlines() == [
        "Removed 1 audit entry older than 730 days.",
        "Removed 0 held events older than 400 days.",
    ]
    assert [action for action, _ in audit()] == ["audit.prune"]


def test_prune_needs_to_know_what(db: Database) -> None:
    assert "say what to remove" in misuse("prune")
