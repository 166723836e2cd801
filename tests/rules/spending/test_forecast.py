"""Forecasts for budgets, from invented series with a known continuation."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules.periods import DayRange, Period, day_of, end_of_day, resets_at, start_of_day
from portal.rules.spending.budgets import MAX_LIMIT, PeriodBudget
from portal.rules.spending.forecast import (
    HISTORY_DAYS,
    LEAST_DAYS,
    Outlook,
    Prospect,
    Rhythm,
    expected,
    history_days,
    outlook,
    rhythm_of,
)

TZ = ZoneInfo("UTC")
MONDAY_NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)
MONDAY = MONDAY_NOON.date()
A_DAY = timedelta(1)


def before(today: date, tokens_of: Callable[[date], int], count: int = HISTORY_DAYS) -> dict[date, int]:
    """Return the series of the last `count` whole days before a day."""
    return {day: tokens_of(day) for day in DayRange(today - timedelta(count), today - A_DAY)}


def learned(
    days: dict[date, int],
    hours: Iterable[tuple[datetime, int]] = (),
    today: date = MONDAY,
    tz: ZoneInfo = TZ,
) -> Rhythm:
    found = rhythm_of(days, hours, today, tz)
    assert found is not None
    return found


def steady(tokens: int = 1000, today: date = MONDAY) -> Rhythm:
    """Return a rhythm with the same tokens on every day, at every hour."""
    return learned(before(today, lambda _: tokens), today=today)


def working_days(day: date) -> int:
    return 1000 if day.weekday() < 5 else 0


def near(instant: datetime | None, wanted: datetime) -> bool:
    """Return whether an estimate is right within two minutes; one token takes about that long."""
    assert instant is not None
    return abs(instant - wanted) <= timedelta(minutes=2)


def ahead(
    rhythm: Rhythm, remaining: int, period: Period, now: datetime = MONDAY_NOON, used_today: int = 500
) -> Outlook:
    return outlook(period, PeriodBudget(10**15 + remaining, 10**15), rhythm, used_today, now, TZ)


@pytest.mark.parametrize(
    ("budget", "rhythm", "expected"),
    [
        pytest.param(PeriodBudget(None, 10**9), steady(), Prospect.NO_LIMIT, id="no limit"),
        pytest.param(PeriodBudget(None, 10**9), None, Prospect.NO_LIMIT, id="no limit and no data"),
        pytest.param(PeriodBudget(1000, 1000), steady(), Prospect.EXHAUSTED, id="exactly used up"),
        pytest.param(PeriodBudget(1000, 2000), None, Prospect.EXHAUSTED, id="overspent, without data"),
        pytest.param(PeriodBudget(0, 0), steady(), Prospect.EXHAUSTED, id="a limit that allows nothing"),
        pytest.param(PeriodBudget(1000, 999), None, Prospect.TOO_LITTLE_DATA, id="too little data"),
        pytest.param(PeriodBudget(1000, 999), steady(), Prospect.LASTS_UNTIL, id="one token left"),
        pytest.param(PeriodBudget(10**9, 500), steady(), Prospect.ENOUGH, id="enough left"),
    ],
)
@pytest.mark.parametrize("period", Period)
def test_outlook_has_the_right_prospect(
    period: Period, budget: PeriodBudget, rhythm: Rhythm | None, expected: Prospect
) -> None:
    found = outlook(period, budget, rhythm, 500, MONDAY_NOON, TZ)
    assert found.prospect is expected
    assert (found.until is not None) == (expected is Prospect.LASTS_UNTIL)
    assert found.ends_early == (expected is Prospect.LASTS_UNTIL)
    assert found.resets_at == resets_at(period, MONDAY_NOON, TZ)


@pytest.mark.parametrize(
    ("count", "active", "is_enough"),
    [
        pytest.param(1, 1, False, id="one day"),
        pytest.param(6, 6, False, id="a day less than a week"),
        pytest.param(7, 7, True, id="a week"),
        pytest.param(7, 3, True, id="a week with the fewest active days"),
        pytest.param(7, 2, False, id="one active day less"),
        pytest.param(HISTORY_DAYS, 0, False, id="all zeros"),
        pytest.param(0, 0, False, id="nothing at all"),
    ],
)
def test_rhythm_needs_enough_days(count: int, active: int, is_enough: bool) -> None:
    days = before(MONDAY, lambda day: int((MONDAY - day).days <= active), count)
    assert (rhythm_of(days, (), MONDAY, TZ) is not None) is is_enough


@pytest.mark.parametrize(
    ("began", "expected"),
    [
        pytest.param(None, None, id="never used"),
        pytest.param(MONDAY + A_DAY, None, id="first used tomorrow, by a clock that is ahead"),
        pytest.param(MONDAY, None, id="first used today"),
        pytest.param(MONDAY - 6 * A_DAY, None, id="six days ago"),
        pytest.param(MONDAY - 7 * A_DAY, DayRange(MONDAY - 7 * A_DAY, MONDAY - A_DAY), id="a week ago"),
        pytest.param(date(2020, 1, 1), DayRange(MONDAY - 56 * A_DAY, MONDAY - A_DAY), id="years ago"),
    ],
)
def test_history_is_the_whole_days_of_eight_weeks(began: date | None, expected: DayRange | None) -> None:
    assert history_days(began, MONDAY) == expected


@pytest.mark.parametrize(
    ("remaining", "until"),
    [
        pytest.param(1, datetime(2026, 11, 16, 12, 1, tzinfo=UTC), id="the next token"),
        pytest.param(250, datetime(2026, 11, 16, 18, tzinfo=UTC), id="today at 18:00"),
        pytest.param(501, datetime(2026, 11, 17, 0, 1, tzinfo=UTC), id="just after midnight"),
        pytest.param(5000, datetime(2026, 11, 21, 12, tzinfo=UTC), id="in five days"),
        pytest.param(14_499, datetime(2026, 11, 30, 23, 59, tzinfo=UTC), id="the last minute of the month"),
        pytest.param(14_501, None, id="one token more than the month needs"),
    ],
)
def test_steady_month_lasts_until_the_expected_instant(remaining: int, until: datetime | None) -> None:
    found = ahead(steady(), remaining, Period.MONTHLY)
    assert found.prospect is (Prospect.ENOUGH if until is None else Prospect.LASTS_UNTIL)
    assert until is None or near(found.until, until)


@pytest.mark.parametrize(("remaining", "prospect"), [(499, Prospect.LASTS_UNTIL), (501, Prospect.ENOUGH)])
def test_day_is_enough_if_its_last_token_is_at_midnight(remaining: int, prospect: Prospect) -> None:
    assert ahead(steady(), remaining, Period.DAILY).prospect is prospect


def test_exactly_the_expected_tokens_are_enough() -> None:
    rhythm = Rhythm((1024.0,) * 7, tuple(slot / 24 for slot in range(25)))
    assert expected(rhythm, 512, MONDAY_NOON, MONDAY, TZ) == 512
    assert ahead(rhythm, 512, Period.DAILY, used_today=512).prospect is Prospect.ENOUGH
    assert ahead(rhythm, 511, Period.DAILY, used_today=512).prospect is Prospect.LASTS_UNTIL


@pytest.mark.parametrize(
    ("remaining", "until"),
    [
        pytest.param(10_600, date(2026, 11, 27), id="eleven days"),
        pytest.param(365_000, date(2027, 11, 16), id="just under a year"),
        pytest.param(365_501, None, id="more than a year"),
    ],
)
def test_total_budget_is_forecast_for_a_year(remaining: int, until: date | None) -> None:
    found = ahead(steady(), remaining, Period.TOTAL)
    assert (found.until and found.until.date()) == until
    assert found.prospect is (Prospect.LASTS_UNTIL if until else Prospect.ENOUGH)
    assert not found.ends_early


@pytest.mark.parametrize(("remaining", "is_early"), [(7_400, False), (7_000, True), (1, True)])
def test_total_that_ends_within_a_week_ends_early(remaining: int, is_early: bool) -> None:
    found = ahead(steady(), remaining, Period.TOTAL)
    assert found.prospect is Prospect.LASTS_UNTIL
    assert found.until is not None
    assert found.ends_early is is_early is (found.until - MONDAY_NOON <= timedelta(days=7))


def test_weekday_user_keeps_tokens_over_the_weekend() -> None:
    saturday = datetime(2026, 11, 21, tzinfo=UTC)
    rhythm = learned(before(saturday.date(), working_days), today=saturday.date())
    found = ahead(rhythm, 500, Period.MONTHLY, saturday, used_today=0)
    assert found.until is not None
    assert found.until.date() == date(2026, 11, 23)
    assert rhythm.weekdays[0] > 900
    assert 0 < rhythm.weekdays[6] < 100


def test_weekdays_count_less_after_one_week_only() -> None:
    short, long = (learned(before(MONDAY, working_days, count)) for count in (7, 56))
    mean = 5000 / 7
    assert mean < short.weekdays[0] < long.weekdays[0] < 1000
    assert mean > short.weekdays[6] > long.weekdays[6] > 0


def test_growing_usage_is_forecast_above_its_mean() -> None:
    rhythm = learned(before(MONDAY, lambda day: 900 - 100 * (((MONDAY - day).days + 6) // 7)))
    assert 450 * 7 * 1.15 < sum(rhythm.weekdays) < 800 * 7


def test_burst_today_changes_today_only() -> None:
    calm, burst = (expected(steady(), used, MONDAY_NOON, MONDAY, TZ) for used in (500, 10_000))
    assert (round(calm), round(burst)) == (500, 3667)
    tomorrow = [expected(steady(), used, MONDAY_NOON, MONDAY + A_DAY, TZ) for used in (500, 10_000)]
    assert [round(tomorrow[0] - calm), round(tomorrow[1] - burst)] == [1000, 1000]


def test_idle_morning_lowers_the_forecast_of_the_day() -> None:
    assert round(expected(steady(), 0, MONDAY_NOON, MONDAY, TZ)) == 333


def test_old_burst_counts_less_every_week() -> None:
    def series(burst: date) -> Rhythm:
        return learned(before(MONDAY, lambda day: 100_000 if day == burst else 1000))

    recent, old = series(MONDAY - A_DAY), series(MONDAY - 50 * A_DAY)
    assert sum(recent.weekdays) > sum(old.weekdays) > 7000


def test_tokens_are_expected_at_their_usual_hours() -> None:
    """Nearly all tokens are used from nine to ten: at eight nearly none are used, at ten nearly all."""
    hours = [
        (start_of_day(day, TZ) + timedelta(hours=9), 1000) for day in DayRange(MONDAY - 14 * A_DAY, MONDAY - A_DAY)
    ]
    rhythm = learned(before(MONDAY, lambda _: 1000), hours)
    found = ahead(rhythm, 500, Period.DAILY, MONDAY_NOON.replace(hour=8), used_today=0)
    assert found.until is not None
    assert MONDAY_NOON.replace(hour=9) < found.until < MONDAY_NOON.replace(hour=10)
    assert rhythm.share_by(9 / 24) < 0.02
    assert rhythm.share_by(10 / 24) > 0.97


def test_shares_and_positions_are_inverse() -> None:
    hours = [(start_of_day(MONDAY - A_DAY, TZ) + timedelta(hours=hour), hour**3) for hour in range(24)]
    rhythm = learned(before(MONDAY, lambda _: 1000), hours)
    for position in (0, 0.01, 0.3, 0.5, 0.77, 0.999, 1):
        assert rhythm.position_at(rhythm.share_by(position)) == pytest.approx(position)
    assert (rhythm.share_by(0), rhythm.share_by(1)) == (0, 1)


def test_forecast_of_huge_numbers() -> None:
    rhythm = steady(MAX_LIMIT)
    found = outlook(Period.MONTHLY, PeriodBudget(MAX_LIMIT, MAX_LIMIT - 1), rhythm, MAX_LIMIT, MONDAY_NOON, TZ)
    assert found.until == MONDAY_NOON
    small = outlook(Period.TOTAL, PeriodBudget(MAX_LIMIT, 1), steady(1), 0, MONDAY_NOON, TZ)
    assert small.prospect is Prospect.ENOUGH


@pytest.mark.parametrize(
    ("name", "now", "hours_left"),
    [
        pytest.param("Europe/Berlin", datetime(2026, 3, 29, 10, tzinfo=UTC), 12, id="a day of 23 hours"),
        pytest.param("Europe/Berlin", datetime(2026, 10, 25, 11, tzinfo=UTC), 12, id="a day of 25 hours"),
        pytest.param("Africa/Cairo", datetime(2026, 4, 24, 9, tzinfo=UTC), 12, id="a day without its midnight"),
        pytest.param("Asia/Kolkata", datetime(2026, 11, 16, 6, 30, tzinfo=UTC), 12, id="a zone half an hour off"),
    ],
)
def test_day_of_unusual_length_is_forecast(name: str, now: datetime, hours_left: int) -> None:
    tz = ZoneInfo(name)
    today = day_of(now, tz)
    rhythm = learned(before(today, lambda _: 24_000), today=today, tz=tz)
    midnight = end_of_day(today, tz)
    assert midnight - now == timedelta(hours=hours_left)
    used = round(24_000 * (1 - (midnight - now) / (midnight - start_of_day(today, tz))))
    left = 24_000 - used
    half = outlook(Period.DAILY, PeriodBudget(used + left // 2, used), rhythm, used, now, tz)
    assert near(half.until, now + timedelta(hours=hours_left / 2))
    assert half.resets_at == midnight
    assert outlook(Period.DAILY, PeriodBudget(24_100, used), rhythm, used, now, tz).prospect is Prospect.ENOUGH
    later = outlook(Period.TOTAL, PeriodBudget(10**6, 10**6 - left - 36_000), rhythm, used, now, tz)
    assert near(later.until, end_of_day(today + A_DAY, tz) + timedelta(hours=12))


@pytest.mark.parametrize(
    ("now", "last"),
    [
        pytest.param(datetime(2026, 11, 30, 12, tzinfo=UTC), date(2026, 11, 30), id="the last day of a month"),
        pytest.param(datetime(2026, 12, 31, 12, tzinfo=UTC), date(2026, 12, 31), id="the last day of a year"),
        pytest.param(datetime(2028, 2, 28, 12, tzinfo=UTC), date(2028, 2, 29), id="the day before a leap day"),
        pytest.param(datetime(2026, 12, 1, tzinfo=UTC), date(2026, 12, 31), id="the first moment of a month"),
    ],
)
def test_month_ends_on_its_last_day(now: datetime, last: date) -> None:
    rhythm, used = steady(today=now.date()), 500 if now.hour else 0
    needs = round(1000 * ((last - now.date()).days + 1)) - used
    assert ahead(rhythm, needs + 1, Period.MONTHLY, now, used).prospect is Prospect.ENOUGH
    assert near(ahead(rhythm, needs - 1, Period.MONTHLY, now, used).until, end_of_day(last, TZ))


ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "Africa/Cairo", "America/Havana", "Australia/Lord_Howe", "Asia/Kolkata"]
)
TOKENS = st.one_of(st.just(0), st.integers(0, 10**6), st.integers(0, 10**13))


@given(
    zone=ZONES.map(ZoneInfo),
    now=st.integers(0, 11 * 365 * 24 * 3600).map(
        lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(0, seconds)
    ),
    series=st.lists(TOKENS, min_size=LEAST_DAYS, max_size=HISTORY_DAYS),
    hours=st.lists(st.tuples(st.integers(1, 14 * 24), TOKENS), max_size=20),
    used_today=TOKENS,
    limits=st.tuples(st.integers(1, MAX_LIMIT), TOKENS),
    consumed=TOKENS,
    period=st.sampled_from(Period),
)
def test_larger_limit_lasts_longer_and_ends_before_the_reset(
    zone: ZoneInfo,
    now: datetime,
    series: list[int],
    hours: list[tuple[int, int]],
    used_today: int,
    limits: tuple[int, int],
    consumed: int,
    period: Period,
) -> None:
    today = day_of(now, zone)
    days = {today - timedelta(ago): tokens for ago, tokens in enumerate(series, 1)}
    begins = start_of_day(today, zone)
    rhythm = rhythm_of(days, [(begins - timedelta(hours=ago), tokens) for ago, tokens in hours], today, zone)
    smaller, larger = limits[0], limits[0] + limits[1]
    less, more = (
        outlook(period, PeriodBudget(limit, consumed), rhythm, used_today, now, zone) for limit in (smaller, larger)
    )
    for found in (less, more):
        assert found.until is None or now <= found.until
        assert found.until is None or found.resets_at is None or found.until < found.resets_at
        assert (found.prospect is Prospect.LASTS_UNTIL) == (found.until is not None)
    if less.prospect is Prospect.ENOUGH:
        assert more.prospect is Prospect.ENOUGH
    if less.until and more.until:
        assert less.until <= more.until
