"""The made-up past: the same for the same seed, believable, and never of the future."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.demo.history import FULL_DAY, billable, make_history
from portal.demo.limits import demo_limits
from portal.demo.people import OWNER, PEOPLE
from portal.demo.requests import Traffic
from portal.rules.metering.usage import UsageReport
from portal.rules.periods import Period, day_of, period_start, start_of_day
from portal.rules.spending.budgets import Level, PeriodBudget

UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 25, 14, 5, tzinfo=UTC)
"""A Wednesday afternoon."""
DEMO = [person for person in PEOPLE if person.username == OWNER]


def when(report: UsageReport) -> datetime:
    assert report.requested_at is not None
    return report.requested_at


@pytest.fixture(scope="module")
def history() -> list[UsageReport]:
    """Ninety days of everybody."""
    return make_history(1, NOW, UTC_ZONE)


def test_the_same_seed_makes_the_same_history() -> None:
    assert make_history(7, NOW, UTC_ZONE, days=9) == make_history(7, NOW, UTC_ZONE, days=9)


def test_another_seed_makes_another_history() -> None:
    one, other = (make_history(seed, NOW, UTC_ZONE, days=9) for seed in (7, 8))
    assert {r.id for r in one}.isdisjoint(r.id for r in other)
    assert {r.key_hash for r in one}.isdisjoint(r.key_hash for r in other)


def test_tomorrow_still_shows_what_happened_before_today() -> None:
    midnight = start_of_day(NOW.date(), UTC_ZONE)
    today = make_history(1, NOW, UTC_ZONE, days=5, people=DEMO)
    tomorrow = make_history(1, NOW + timedelta(1), UTC_ZONE, days=6, people=DEMO)
    assert [r for r in today if when(r) < midnight] == [r for r in tomorrow if when(r) < midnight]


def test_there_is_enough_of_it(history: list[UsageReport]) -> None:
    assert 25_000 <= len(history) <= 40_000
    assert 9_000 <= len(make_history(1, NOW, UTC_ZONE, people=DEMO)) <= 13_000
    assert len({r.model for r in history}) >= 8
    assert len({r.mode for r in history}) >= 5
    assert len({r.key_hash for r in history}) >= 15


def test_ids_are_unique_and_times_in_order_and_past(history: list[UsageReport]) -> None:
    assert len({r.id for r in history}) == len(history)
    times = [when(r) for r in history]
    assert times == sorted(times)
    assert start_of_day(NOW.date() - timedelta(89), UTC_ZONE) <= times[0]
    assert times[-1] <= NOW


def test_parts_never_exceed_what_they_are_parts_of(history: list[UsageReport]) -> None:
    assert all(r.cached_tokens <= r.prompt_tokens and r.reasoning_tokens <= r.completion_tokens for r in history)
    assert any(r.cached_tokens for r in history)
    assert any(r.reasoning_tokens for r in history)


def test_working_days_and_office_hours_are_the_busy_ones(history: list[UsageReport]) -> None:
    days = Counter(when(r).weekday() for r in history)
    hours = Counter(when(r).hour for r in history)
    assert min(days[day] for day in range(5)) > 3 * max(days[5], days[6])
    assert hours[10] > hours[20] > hours[4] > 0


def test_some_requests_fail_and_embeddings_answer_nothing(history: list[UsageReport]) -> None:
    failed = Counter(r.status for r in history if r.status != "ok")
    assert {"504 timeout", "429 limited", "500 internal error"} <= failed.keys()
    assert 0.01 < failed.total() / len(history) < 0.03
    assert all(r.completion_tokens == 0 for r in history if r.model == "bge-m3" or r.status != "ok")
    assert max(len(status) for status in failed) <= 64


def test_sizes_have_a_long_tail(history: list[UsageReport]) -> None:
    sizes = sorted(r.total_tokens for r in history)
    assert sizes[-1] > 12 * sizes[len(sizes) // 2]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("now", "tz"),
    [
        pytest.param(datetime(2026, 11, 25, 0, 0, tzinfo=UTC), UTC_ZONE, id="the first instant of a day"),
        pytest.param(datetime(2026, 11, 22, 3, 30, tzinfo=UTC), UTC_ZONE, id="a Sunday night"),
        pytest.param(datetime(2026, 11, 22, 21, 38, tzinfo=UTC), UTC_ZONE, id="a Sunday evening"),
        pytest.param(NOW, UTC_ZONE, id="a Wednesday afternoon"),
        pytest.param(datetime(2026, 11, 27, 23, 59, 59, tzinfo=UTC), UTC_ZONE, id="the end of a Friday"),
        pytest.param(datetime(2026, 12, 1, 0, 0, 1, tzinfo=UTC), UTC_ZONE, id="the start of a month"),
        pytest.param(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), BERLIN, id="the hour that comes twice in Berlin"),
        pytest.param(datetime(2026, 12, 31, 23, 10, tzinfo=UTC), BERLIN, id="a new year in Berlin, not yet in UTC"),
    ],
)
def test_each_card_of_the_demo_has_its_colour_at_any_hour(seed: int, now: datetime, tz: ZoneInfo) -> None:
    used = consumed(make_history(seed, now, tz, people=DEMO), now, tz)
    limits = demo_limits(used)
    levels = {p: PeriodBudget(limits.in_force(p), used[p]).level for p in Period}
    assert used[Period.DAILY] >= FULL_DAY
    assert levels == {Period.DAILY: Level.WARNING, Period.MONTHLY: Level.NORMAL, Period.TOTAL: Level.CRITICAL}
    assert (limits.daily or 0) < (limits.monthly or 0) < (limits.total or 0)


def test_cards_keep_their_colours_for_half_an_hour() -> None:
    used = consumed(make_history(1, NOW, UTC_ZONE, people=DEMO), NOW, UTC_ZONE)
    limits = demo_limits(used)
    traffic, at = Traffic(1, NOW), NOW
    own = {key_hash for r in make_history(1, NOW, UTC_ZONE, days=9, people=DEMO) if (key_hash := r.key_hash)}
    live = 0
    while at < NOW + timedelta(minutes=30):
        request = traffic.request(at)
        live += billable(request) if request.key_hash in own else 0
        at += timedelta(seconds=traffic.pause())
    assert live > 20_000
    assert PeriodBudget(limits.daily, used[Period.DAILY] + live).level is Level.WARNING
    assert PeriodBudget(limits.monthly, used[Period.MONTHLY] + live).level is Level.NORMAL


def consumed(history: list[UsageReport], now: datetime, tz: ZoneInfo) -> dict[Period, int]:
    """Sum up what was used in the periods of `now`."""
    today = day_of(now, tz)
    return {
        period: sum(
            billable(r)
            for r in history
            if period_start(period, day_of(when(r), tz)) == period_start(period, today)
        )
        for period in Period
    }  # fmt: skip
