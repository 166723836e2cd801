"""Verifying sums, and computing them again."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Event
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, insert, text, update
from sqlalchemy.orm import Session

from portal.actions.metering import verification
from portal.actions.metering.verification import Difference, rebuild_account, verify_account
from portal.db.metering import totals
from portal.db.metering.events import account_events
from portal.db.metering.totals import clear
from portal.db.sql.session import Database, run_in_reading
from portal.db.tables import Account, UsageByModel, UsageCounter, UsageDaily, UsageEvent
from portal.rules.metering.figures import SUMS, Figures
from portal.rules.metering.rollups import CounterKey, DailyKey
from portal.rules.periods import EPOCH_DAY, Period
from tests.cast import NOW, Gateway, counters_of, daily_of, report, run, send

UTC, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")
TODAY = date(2026, 11, 22)
HOUR = timedelta(hours=1)


def differences(account: Account, zone: ZoneInfo = UTC) -> list[Difference]:
    return run_in_reading(lambda session: list(verify_account(session, account.id, zone)))


@pytest.fixture
def used(alice: Account, bob: Account, gateway: Gateway) -> None:
    """Usage of both over some days."""
    for who in ("alice", "bob"):
        send(gateway, *(report(f"{who}-{n}", username=who, requested_at=NOW - n * 10 * HOUR) for n in range(20)))


def test_sums_that_were_kept_are_the_sums(used: None, alice: Account, bob: Account, charlie: Account) -> None:
    assert differences(alice) == differences(bob) == differences(charlie) == []


def change_counter(session: Session, alice: Account) -> None:
    wanted = UsageCounter.account_id == alice.id, UsageCounter.period == "daily", UsageCounter.start == TODAY
    session.execute(update(UsageCounter).where(*wanted).values(tokens=UsageCounter.tokens + 1))


def forget_roll_up(session: Session, alice: Account) -> None:
    session.execute(delete(UsageDaily).where(UsageDaily.account_id == alice.id, UsageDaily.day == TODAY))


def forget_model(session: Session, alice: Account) -> None:
    session.execute(delete(UsageByModel).where(UsageByModel.account_id == alice.id, UsageByModel.day == TODAY))


def invent_counter(session: Session, alice: Account) -> None:
    nothing = dict.fromkeys(SUMS, 0) | {"requests": 1}
    session.execute(
        insert(UsageCounter).values(account_id=alice.id, period="monthly", start=date(2020, 1, 1), **nothing)
    )


def lose_event(session: Session, alice: Account) -> None:
    session.execute(delete(UsageEvent).where(UsageEvent.account_id == alice.id, UsageEvent.requested_at == NOW))


def change_cost(session: Session, alice: Account) -> None:
    session.execute(
        update(UsageEvent).where(UsageEvent.external_id == "alice-0").values(cost_nano_eur=UsageEvent.cost_nano_eur + 1)
    )


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        pytest.param(change_counter, {"daily counter of 2026-11-22"}, id="a counter changed"),
        pytest.param(
            forget_roll_up,
            {"roll-up of 2026-11-22, qwen3:32b, native, no key, no team, gateway {gateway}"},
            id="a roll-up lost",
        ),
        pytest.param(forget_model, {"sum of 2026-11-22, qwen3:32b, native"}, id="a sum by model lost"),
        pytest.param(invent_counter, {"monthly counter of 2020-01-01"}, id="a counter too many"),
        pytest.param(
            lose_event,
            {
                "daily counter of 2026-11-22",
                "monthly counter of 2026-11-01",
                "total counter of 1970-01-01",
                "sum of 2026-11-22, qwen3:32b, native",
                "roll-up of 2026-11-22, qwen3:32b, native, no key, no team, gateway {gateway}",
                "roll-up of 2026-11-22 14:00 UTC, qwen3:32b, native, no key",
            },
            id="an event lost",
        ),
        pytest.param(
            change_cost,
            {
                "daily counter of 2026-11-22",
                "monthly counter of 2026-11-01",
                "total counter of 1970-01-01",
                "sum of 2026-11-22, qwen3:32b, native",
                "roll-up of 2026-11-22, qwen3:32b, native, no key, no team, gateway {gateway}",
                "roll-up of 2026-11-22 14:00 UTC, qwen3:32b, native, no key",
            },
            id="a nano-euro too much",
        ),
    ],
)
def test_changed_sums_are_found_and_rebuilt(
    used: None,
    alice: Account,
    bob: Account,
    gateway: Gateway,
    tamper: Callable[[Session, Account], None],
    found: set[str],
) -> None:
    run(tamper, alice)
    expected = {name.format(gateway=gateway.id) for name in found}
    assert {str(each).split(": ")[1] for each in differences(alice)} == expected
    assert differences(bob) == []
    run(rebuild_account, alice.id, UTC)
    assert differences(alice) == []


def test_a_difference_names_the_sum_and_both_values(used: None, alice: Account) -> None:
    run(change_counter, alice)
    (found,) = differences(alice)
    kept, true = Figures(241, 200, 40, 2, 4_800_000), Figures(240, 200, 40, 2, 4_800_000)
    assert found == Difference(CounterKey(alice.id, Period.DAILY, TODAY), kept, true, alice.id)
    assert str(found) == (
        f"account {alice.id}: daily counter of 2026-11-22: kept 241 tokens, 2 requests, 4,800,000 nano-EUR, "
        "events sum to 240 tokens, 2 requests, 4,800,000 nano-EUR"
    )


def test_rebuilding_writes_what_was_there(used: None, alice: Account, bob: Account) -> None:
    before = counters_of(alice), daily_of(alice), counters_of(bob)
    run(rebuild_account, alice.id, UTC)
    after = counters_of(alice), daily_of(alice), counters_of(bob)
    assert after == before


def test_rebuild_counts_days_in_another_zone(used: None, alice: Account, gateway: Gateway) -> None:
    send(gateway, report("late", requested_at=NOW.replace(day=21, hour=23, minute=30)))
    assert differences(alice, BERLIN) != []
    run(rebuild_account, alice.id, BERLIN)
    assert differences(alice, BERLIN) == []
    assert DailyKey(alice.id, TODAY, "qwen3:32b", "native", gateway_id=gateway.id) in daily_of(alice)


def test_an_account_without_usage_has_nothing_to_rebuild(charlie: Account) -> None:
    run(rebuild_account, charlie.id, UTC)
    assert counters_of(charlie) == {}


def test_verifying_while_usage_arrives_finds_no_difference(
    used: None, alice: Account, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that arrives between reading the totals and the events is in neither."""

    def receive_and_read(session: Session, account_id: int) -> object:
        send(gateway, report("meanwhile"))
        return account_events(session, account_id)

    monkeypatch.setattr(verification, "account_events", receive_and_read)
    assert differences(alice) == []
    assert counters_of(alice)[CounterKey(alice.id, Period.TOTAL, EPOCH_DAY)].requests == 21


def test_usage_during_a_rebuild_waits_and_counts(
    used: None, alice: Account, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    summed, sent = Event(), Event()

    def clear_and_wait(session: Session, account_id: int) -> None:
        clear(session, account_id)
        summed.set()
        sent.wait(0.3)  # it cannot be stored now: the sender waits for us

    def receive() -> None:
        summed.wait(5)
        send(gateway, report("meanwhile"))
        sent.set()

    monkeypatch.setattr(totals, "clear", clear_and_wait)
    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(run, rebuild_account, alice.id, UTC), threads.submit(receive)]
        for each in done:
            each.result()
    assert counters_of(alice)[CounterKey(alice.id, Period.TOTAL, EPOCH_DAY)].requests == 21


def test_a_rebuild_that_fails_leaves_the_sums_as_they_were(
    used: None, db: Database, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = counters_of(alice)

    def fail(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(totals, "add", fail)
    with pytest.raises(ConnectionError):
        run(rebuild_account, alice.id, UTC)
    assert counters_of(alice) == before


def test_many_events_are_summed_without_holding_them_all(alice: Account, gateway: Gateway) -> None:
    """More than one batch of the cursor."""
    for batch in range(3):
        send(gateway, *(report(f"{batch}-{n}", requested_at=NOW - n * HOUR) for n in range(900)))
    assert differences(alice) == []
    run(lambda session: session.execute(text("DELETE FROM usage_counters")))
    assert len(differences(alice)) > 30
    run(rebuild_account, alice.id, UTC)
    assert differences(alice) == []
