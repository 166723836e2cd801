"""Old events go, and nothing that was counted is lost or counted again."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from portal.actions.metering import pruning
from portal.actions.metering.notes import write_note
from portal.actions.metering.pruning import prune_account
from portal.actions.metering.verification import rebuild_account, verify_account, verify_pruned
from portal.actions.spending.prices import enter_price, remove_price
from portal.db.metering.events import count_events, count_pruned
from portal.db.metering.usage import UsageRow
from portal.db.sql.session import Database, run_in_reading
from portal.db.tables import Account
from portal.rules.metering.figures import Figures
from portal.rules.metering.usage import Status, UsageFilter, UsageReport
from portal.rules.periods import zone
from portal.rules.spending.pricing import FIRST_PRICE
from portal.views.metering.usage import load_export, load_usage
from portal.views.people.accounts import Viewer
from portal.views.spending.billing import load_billing
from tests.cast import (
    NOW,
    OPERATOR,
    Gateway,
    acting,
    counters_of,
    daily_of,
    hourly_of,
    report,
    results,
    run,
    send,
    viewer_of,
)

UTC, KATHMANDU = zone("UTC"), zone("Asia/Kathmandu")
DAY = timedelta(1)
FIRST_KEPT = date(2026, 11, 13)
LATER = NOW + 2 * DAY
EVER = UsageFilter(budget_from=date(2026, 10, 1))


def reports() -> list[UsageReport]:
    return [report(f"r-{n}", requested_at=NOW - n * DAY / 4, status=("ok", "error")[n % 2]) for n in range(80)]


@pytest.fixture
def used(alice: Account, bob: Account, gateway: Gateway) -> None:
    """Twenty days of Alice's, four requests a day, and one of Bob's on the first of them."""
    send(gateway, *reports(), report("bobs", username="bob", requested_at=NOW - 19 * DAY))


def prune(account: Account, tz: ZoneInfo = UTC) -> int:
    return run(prune_account, account.id, FIRST_KEPT, tz, LATER)


def ties(account: Account, tz: ZoneInfo = UTC) -> bool:
    return not run_in_reading(lambda session: list(verify_account(session, account.id, tz)))


def listed(viewer: Viewer, wanted: UsageFilter) -> list[UsageRow]:
    return run_in_reading(lambda session: list(load_export(session, viewer, wanted, NOW)))


def test_old_events_are_pruned_and_all_sums_stay(used: None, alice: Account) -> None:
    before = counters_of(alice), daily_of(alice), run(load_billing, alice.id, NOW)
    assert prune(alice) == 41
    assert (run(count_pruned), run(count_events)) == (41, 40)
    assert (counters_of(alice), daily_of(alice), run(load_billing, alice.id, NOW)) == before
    rows = listed(viewer_of(alice), EVER)
    assert min(row.requested_at for row in rows).date() == FIRST_KEPT
    assert ties(alice)


def test_what_is_listed_is_still_what_is_totalled(used: None, alice: Account) -> None:
    prune(alice)
    for wanted in (EVER, EVER.with_(status=Status.ERROR), UsageFilter(range=30), UsageFilter(range=7)):
        view = run(load_usage, viewer_of(alice), wanted, NOW)
        rows = listed(viewer_of(alice), wanted)
        assert (view.totals.requests, view.totals.tokens) == (len(rows), sum(row.billable_tokens for row in rows))


def test_pruned_events_are_shown_as_sums(used: None, alice: Account) -> None:
    prune(alice)
    pruned = {days: run(load_usage, viewer_of(alice), UsageFilter(range=days), NOW).pruned for days in (7, 30)}
    assert pruned[7] == Figures()
    assert (pruned[30].requests, pruned[30].tokens) == (41, 41 * 120)


def test_an_event_that_was_pruned_is_never_counted_again(used: None, alice: Account, gateway: Gateway) -> None:
    prune(alice)
    before = counters_of(alice)
    again = results(send(gateway, *reports(), now=LATER))
    assert again == ["duplicate"] * 80
    assert results(send(gateway, report("r-79", prompt_tokens=1, requested_at=NOW - 19 * DAY))) == ["conflict"]
    assert counters_of(alice) == before


def test_a_rebuild_counts_what_was_pruned(used: None, alice: Account) -> None:
    prune(alice)
    before = counters_of(alice), daily_of(alice), hourly_of(alice)
    run(rebuild_account, alice.id, UTC)
    assert (counters_of(alice), daily_of(alice), hourly_of(alice)) == before


def test_late_events_of_a_pruned_day_count_and_can_be_pruned_too(used: None, alice: Account, gateway: Gateway) -> None:
    prune(alice)
    send(gateway, report("late", requested_at=NOW - 15 * DAY))
    assert ties(alice)
    assert prune(alice) == 1
    assert prune(alice) == 0
    assert ties(alice)
    assert results(send(gateway, report("late", requested_at=NOW - 15 * DAY))) == ["duplicate"]


def test_events_with_a_note_or_without_a_cost_stay(used: None, alice: Account, gateway: Gateway) -> None:
    noted = listed(viewer_of(alice), EVER)[-1]
    run(write_note, acting(alice), noted.id, "Keep this.", NOW)
    run(remove_price, OPERATOR, None, NOW)
    send(gateway, report("unpriced", requested_at=NOW - 18 * DAY))
    assert prune(alice) == 40
    kept = [row for row in listed(viewer_of(alice), EVER) if row.requested_at.date() < FIRST_KEPT]
    assert {(row.note, row.cost_nano_eur is None) for row in kept} == {("Keep this.", False), (None, True)}
    run(enter_price, OPERATOR, FIRST_PRICE, NOW - 99 * DAY, NOW)
    assert run(load_usage, viewer_of(alice), EVER, NOW).totals.requests == 39 + 2
    assert ties(alice)


def test_what_has_only_just_come_in_stays(alice: Account, gateway: Gateway) -> None:
    send(gateway, report(requested_at=NOW - 19 * DAY), now=LATER - DAY / 2)
    assert prune(alice) == 0


def test_nobody_elses_events_go(used: None, alice: Account, bob: Account) -> None:
    prune(alice)
    assert len(listed(viewer_of(bob), EVER)) == 1


def test_batches_end_in_the_same(used: None, alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "BATCH", 5)
    removed = [prune(alice) for _ in range(9)]
    assert removed == [5] * 8 + [1]
    assert ties(alice)


def test_days_of_a_zone_off_the_hour_tie_as_well(alice: Account, gateway: Gateway) -> None:
    send(gateway, *reports(), budget_tz=KATHMANDU)
    assert ties(alice, KATHMANDU)
    assert prune(alice, KATHMANDU) > 30
    assert ties(alice, KATHMANDU)


def test_an_id_that_is_lost_or_stored_again_is_found(used: None, alice: Account, db: Database) -> None:
    prune(alice)
    assert run_in_reading(verify_pruned) == []
    with db.transaction() as session:
        session.execute(text("DELETE FROM pruned_events WHERE external_id = 'r-79'"))
    assert run_in_reading(verify_pruned) == ["pruned events: the ids of 40 are kept, their sums say 41"]
    with db.transaction() as session:
        session.execute(
            text(
                "INSERT INTO pruned_events (gateway_id, external_id, fingerprint) "
                "SELECT gateway_id, external_id, fingerprint FROM usage_events WHERE external_id = 'r-0'"
            )
        )
    assert run_in_reading(verify_pruned) == ["pruned events: 1 are stored as well, and so are counted twice"]
