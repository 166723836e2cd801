"""Exactly one crossing for each account, period, start and threshold, in the transaction that is the reason for it."""

import threading
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from portal.actions.metering.held import assign_held
from portal.actions.metering.usage import record_usage
from portal.actions.metering.verification import rebuild_account
from portal.actions.spending.alerts import change_alerts
from portal.actions.spending.budgets import set_budget
from portal.actions.spending.crossings import read_crossings
from portal.db.metering.held import held_events
from portal.db.outbox import messages_of
from portal.db.spending.crossings import count_unread, crossings
from portal.db.tables import Account
from portal.rules.spending.budgets import BudgetType, Limits
from tests.cast import NOW, OPERATOR, Gateway, acting, id_of, report, run, send

UTC = ZoneInfo("UTC")


def crossed(account: Account) -> list[tuple[str, str, int | None]]:
    """Return what an account has crossed, in order: period, start, threshold."""
    return [(row.period, f"{row.start:%m-%d}", row.threshold) for row in reversed(run(crossings, account.id, 100))]


def limit(account: Account, **limits: int | None) -> None:
    run(set_budget, OPERATOR, account.id, Limits(**limits), NOW)  # type: ignore[arg-type]


def use(
    gateway: Gateway, id: str, tokens: int, at: datetime = NOW, *, now: datetime | None = None, **values: object
) -> None:
    reported = report(id, prompt_tokens=tokens, completion_tokens=0, requested_at=at, **values)
    send(gateway, reported, now=now or max(at, NOW))


def test_a_threshold_is_crossed_by_the_event_that_reaches_it(alice: Account, gateway: Gateway) -> None:
    limit(alice, daily=1000)
    use(gateway, "a", 799)
    assert crossed(alice) == []
    use(gateway, "b", 1)
    assert crossed(alice) == [("daily", "11-22", 80)]
    (row,) = run(crossings, alice.id, 10)
    assert (row.consumed, row.limit, row.crossed_at, row.read_at) == (800, 1000, NOW, None)


def test_it_is_crossed_once_however_much_follows(alice: Account, gateway: Gateway) -> None:
    limit(alice, daily=1000)
    for number in range(4):
        use(gateway, f"r-{number}", 300)
        use(gateway, f"r-{number}", 300)
    assert crossed(alice) == [("daily", "11-22", 80), ("daily", "11-22", 100)]


def test_each_period_is_its_own(alice: Account, gateway: Gateway) -> None:
    limit(alice, daily=100, monthly=120, total=1000)
    use(gateway, "a", 110)
    assert set(crossed(alice)) == {
        ("daily", "11-22", 80),
        ("daily", "11-22", 100),
        ("monthly", "11-01", 80),
    }


def test_a_new_day_starts_afresh(alice: Account, gateway: Gateway) -> None:
    limit(alice, daily=100)
    use(gateway, "a", 90)
    tomorrow = NOW + timedelta(days=1)
    use(gateway, "b", 90, tomorrow)
    assert crossed(alice) == [("daily", "11-22", 80), ("daily", "11-23", 80)]


def test_late_event_warns_of_running_periods_only(alice: Account, gateway: Gateway) -> None:
    limit(alice, daily=100, monthly=150)
    use(gateway, "a", 140, NOW - timedelta(days=1), now=NOW)
    assert crossed(alice) == [("monthly", "11-01", 80)]


def test_a_late_event_makes_no_second_one(alice: Account, gateway: Gateway) -> None:
    limit(alice, daily=100)
    use(gateway, "a", 90)
    use(gateway, "b", 5, NOW - timedelta(hours=2), now=NOW)
    assert crossed(alice) == [("daily", "11-22", 80)]


def test_days_are_those_of_the_budget_zone(alice: Account, gateway: Gateway) -> None:
    limit(alice, daily=100)
    auckland = ZoneInfo("Pacific/Auckland")
    send(gateway, report("a", prompt_tokens=90, completion_tokens=0), budget_tz=auckland)
    assert crossed(alice) == [("daily", "11-23", 80)]


def test_a_lowered_limit_crosses_too(alice: Account, gateway: Gateway) -> None:
    limit(alice, daily=1000)
    use(gateway, "a", 500)
    limit(alice, daily=600)
    limit(alice, daily=1000)
    limit(alice, daily=600)
    assert crossed(alice) == [("daily", "11-22", 80)]
    limit(alice, daily=0)
    assert crossed(alice) == [("daily", "11-22", 80), ("daily", "11-22", 80), ("daily", "11-22", 100)]
    assert news(alice) == [(80, 600), (100, 0)]


def news(account: Account) -> list[tuple[int | None, int]]:
    """Return the thresholds and limits that an account was warned of, in order, and delete them."""
    rows = [row for row in reversed(run(crossings, account.id, 100)) if row.read_at is None]
    run(read_crossings, acting(account), 10**9, NOW + timedelta(seconds=1))
    return [(row.threshold, row.limit) for row in rows]


def test_a_raised_limit_arms_its_thresholds_again(alice: Account, gateway: Gateway) -> None:
    limit(alice, daily=1000)
    use(gateway, "a", 1050)
    assert news(alice) == [(80, 1000), (100, 1000)]
    limit(alice, daily=10_000)
    use(gateway, "b", 7_450)
    assert news(alice) == [(80, 10_000)]
    use(gateway, "c", 2_000)
    assert news(alice) == [(100, 10_000)]
    use(gateway, "d", 2_000)
    assert news(alice) == []


def test_a_lowered_limit_tells_only_of_what_is_worse(alice: Account, gateway: Gateway) -> None:
    limit(alice, daily=1000)
    use(gateway, "a", 850)
    assert news(alice) == [(80, 1000)]
    limit(alice, daily=900)
    assert news(alice) == []
    limit(alice, daily=850)
    assert news(alice) == [(100, 850)]
    limit(alice, daily=800)
    assert news(alice) == []


def test_a_limit_raised_by_too_little_tells_of_nothing_twice(alice: Account, gateway: Gateway) -> None:
    limit(alice, daily=1000)
    use(gateway, "a", 1050)
    assert news(alice) == [(80, 1000), (100, 1000)]
    limit(alice, daily=1100)
    assert news(alice) == []
    use(gateway, "b", 40)
    assert news(alice) == []
    use(gateway, "c", 10)
    assert news(alice) == [(100, 1100)]


def test_a_limit_that_goes_up_and_down_tells_of_each_state_once(alice: Account, gateway: Gateway) -> None:
    limit(alice, daily=1000)
    use(gateway, "a", 1050)
    assert news(alice) == [(80, 1000), (100, 1000)]
    for _ in range(3):
        limit(alice, daily=10_000)
        limit(alice, daily=1000)
        assert news(alice) == []
    limit(alice, daily=10_000)
    limit(alice, daily=1200)
    assert news(alice) == [(80, 1200)]


def test_a_lowered_threshold_crosses_too(alice: Account, gateway: Gateway) -> None:
    limit(alice, daily=1000)
    use(gateway, "a", 500)
    run(change_alerts, acting(alice), False, 60, None, NOW, second_threshold_percent=50)
    assert crossed(alice) == [("daily", "11-22", 50)]
    run(change_alerts, acting(alice), False, 50, None, NOW)
    assert crossed(alice) == [("daily", "11-22", 50)]


def test_of_a_one_time_budget_only_the_total_counts(alice: Account, gateway: Gateway) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(10, 10, 100, BudgetType.ONE_TIME), NOW)
    use(gateway, "a", 90)
    assert crossed(alice) == [("total", "01-01", 80)]


def test_what_was_held_crosses_when_it_is_assigned(alice: Account, gateway: Gateway) -> None:
    limit(alice, daily=100)
    use(gateway, "a", 90, username="nobody")
    assert crossed(alice) == []
    ((held, _),) = run(held_events)
    run(assign_held, OPERATOR, held.id, id_of("alice"), UTC, NOW)
    assert crossed(alice) == [("daily", "11-22", 80)]


def test_another_account_crosses_nothing(alice: Account, bob: Account, gateway: Gateway) -> None:
    limit(alice, daily=100)
    limit(bob, daily=100)
    use(gateway, "a", 90, username="bob")
    assert crossed(alice) == []
    assert (run(count_unread, alice.id), run(count_unread, bob.id)) == (0, 1)


def test_a_rebuild_rings_no_bell(alice: Account, gateway: Gateway) -> None:
    limit(alice, daily=100)
    use(gateway, "a", 90)
    run(rebuild_account, alice.id, UTC)
    use(gateway, "b", 1)
    assert crossed(alice) == [("daily", "11-22", 80)]


def test_what_was_seen_is_no_news_any_more(alice: Account, bob: Account, gateway: Gateway) -> None:
    for account in (alice, bob):
        limit(account, daily=100)
        use(gateway, account.username, 90, username=account.username)
    (seen,) = run(crossings, alice.id, 10)
    run(read_crossings, acting(alice), 10**9, NOW)
    assert (run(count_unread, alice.id), run(count_unread, bob.id)) == (0, 1)
    use(gateway, "more", 20)
    assert run(count_unread, alice.id) == 1
    assert seen.threshold == 80


def test_what_is_rolled_back_has_not_crossed(alice: Account, gateway: Gateway) -> None:
    def fail(session: Session) -> None:
        record_usage(session, gateway.id, [report("a", prompt_tokens=90, completion_tokens=0)], UTC, NOW)
        assert count_unread(session, alice.id) == 1
        raise ZeroDivisionError

    limit(alice, daily=100)
    with pytest.raises(ZeroDivisionError):
        run(fail)
    assert crossed(alice) == []


def test_of_many_batches_at_once_one_crosses(alice: Account, gateway: Gateway) -> None:
    limit(alice, daily=1000)
    threads = [threading.Thread(target=use, args=(gateway, f"r-{n}", 100)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(crossed(alice), key=lambda row: row[2] or 0) == [("daily", "11-22", 80), ("daily", "11-22", 100)]


def test_a_limit_that_is_lowered_beside_a_batch_misses_nothing(alice: Account, gateway: Gateway) -> None:
    for number in range(10):
        at = NOW + timedelta(days=number)
        run(set_budget, OPERATOR, alice.id, Limits(daily=1000), at)
        use(gateway, f"a-{number}", 70, at)
        lower = threading.Thread(target=run, args=(set_budget, OPERATOR, alice.id, Limits(daily=90), at))
        add = threading.Thread(target=use, args=(gateway, f"b-{number}", 5, at))
        for thread in (lower, add):
            thread.start()
        for thread in (lower, add):
            thread.join()
        assert ("daily", f"{at:%m-%d}", 80) in crossed(alice)


def test_lower_threshold_after_a_higher_one_is_no_news(alice: Account, gateway: Gateway) -> None:
    limit(alice, daily=100)
    use(gateway, "a", 120)
    run(read_crossings, acting(alice), 10**9, NOW)
    run(change_alerts, acting(alice), True, 50, None, NOW)
    assert ("daily", "11-22", 50) in crossed(alice)
    assert run(count_unread, alice.id) == 0
    assert run(messages_of, alice.id, 10) == []
