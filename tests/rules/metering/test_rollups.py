"""The counters and roll-ups that an event is added to, and those that cover a time range."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules.metering.figures import Figures
from portal.rules.metering.rollups import (
    NO_TEAM,
    CounterKey,
    Cover,
    DailyKey,
    HourlyKey,
    KeyCounterKey,
    OrganisationKey,
    Sums,
    TeamCounterKey,
    add_to,
    counters_of,
    cover,
    key_counters_of,
    organisation_of,
    regroup,
    team_counters_of,
)
from portal.rules.periods import EPOCH_DAY, DayRange, Period, day_of, start_of_day

ONE = Figures(12, 7, 3, 1, 240_000)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Request:
    """An event with the fields that counting needs."""

    account_id: int
    requested_at: datetime
    model: str = "qwen"
    mode: str = "native"
    api_key_id: int | None = None
    team_id: int | None = None
    gateway_id: int = 1
    failed: bool = False
    figures: Figures = ONE


def sums_of(zone: str, *events: Request) -> Sums:
    sums = Sums(ZoneInfo(zone))
    for event in events:
        sums.add(event)
    return sums


@pytest.mark.parametrize(
    ("zone", "day", "month"),
    [
        pytest.param("UTC", date(2026, 11, 30), date(2026, 11, 1), id="in UTC"),
        pytest.param("Europe/Berlin", date(2026, 12, 1), date(2026, 12, 1), id="in Berlin it is next month"),
        pytest.param("America/New_York", date(2026, 11, 30), date(2026, 11, 1), id="in New York it is afternoon"),
    ],
)
def test_event_counts_in_the_periods_of_its_instant(zone: str, day: date, month: date) -> None:
    sums = sums_of(zone, Request(7, datetime(2026, 11, 30, 23, 30, tzinfo=UTC), api_key_id=4, failed=True))
    assert counters_of(sums) == {
        CounterKey(7, Period.DAILY, day): ONE,
        CounterKey(7, Period.MONTHLY, month): ONE,
        CounterKey(7, Period.TOTAL, EPOCH_DAY): ONE,
    }
    assert sums.daily == {DailyKey(7, day, "qwen", "native", 4, True, NO_TEAM, 1): ONE}
    assert sums.hourly == {HourlyKey(7, datetime(2026, 11, 30, 23, tzinfo=UTC), "qwen", "native", 4, True): ONE}


def test_only_events_of_the_same_day_are_added() -> None:
    morning, evening = datetime(2026, 11, 22, 0, tzinfo=UTC), datetime(2026, 11, 22, 23, 59, 59, 999999, tzinfo=UTC)
    next_day = datetime(2026, 11, 23, tzinfo=UTC)
    sums = sums_of(
        "UTC",
        Request(1, morning),
        Request(1, evening),
        Request(1, evening, mode="moe_reasoning"),
        Request(1, next_day),
        Request(2, morning),
    )
    assert counters_of(sums)[CounterKey(1, Period.DAILY, date(2026, 11, 22))] == ONE + ONE + ONE
    assert counters_of(sums)[CounterKey(1, Period.DAILY, date(2026, 11, 23))] == ONE
    assert counters_of(sums)[CounterKey(1, Period.TOTAL, EPOCH_DAY)].requests == 4
    assert counters_of(sums)[CounterKey(2, Period.TOTAL, EPOCH_DAY)] == ONE
    assert sums.daily[DailyKey(1, date(2026, 11, 22), "qwen", "native", gateway_id=1)] == ONE + ONE
    assert sums.daily[DailyKey(1, date(2026, 11, 22), "qwen", "moe_reasoning", gateway_id=1)] == ONE
    assert sums.hourly[HourlyKey(1, morning, "qwen", "native")] == ONE


def test_event_counts_for_its_key_its_team_and_the_organisation() -> None:
    day, month = date(2026, 11, 22), date(2026, 11, 1)
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    sums = sums_of(
        "UTC",
        Request(1, noon, api_key_id=4, team_id=9),
        Request(2, noon, team_id=9, gateway_id=3),
        Request(2, noon, mode="batch"),
    )
    starts = {Period.DAILY: day, Period.MONTHLY: month, Period.TOTAL: EPOCH_DAY}
    assert key_counters_of(sums) == {KeyCounterKey(1, 4, *each): ONE for each in starts.items()}
    assert team_counters_of(sums) == {
        TeamCounterKey(team_id, *each): figures
        for team_id, figures in ((9, ONE + ONE), (NO_TEAM, ONE))
        for each in starts.items()
    }
    assert organisation_of(sums) == {
        OrganisationKey(day, 1, "qwen", "native"): ONE,
        OrganisationKey(day, 3, "qwen", "native"): ONE,
        OrganisationKey(day, 1, "qwen", "batch"): ONE,
    }


def test_figures_of_the_same_key_are_added() -> None:
    monday, tuesday = (DailyKey(1, date(2026, 11, day), "qwen", "native") for day in (23, 24))
    sums = {monday: ONE}
    add_to(sums, {monday: ONE, tuesday: ONE})
    assert sums == {monday: ONE + ONE, tuesday: ONE}


def test_key_belongs_to_no_group_or_to_several() -> None:
    first, second, third = (DailyKey(1, date(2026, 11, 23), model, "native") for model in ("a", "b", "c"))
    groups: dict[DailyKey, list[tuple[str]]] = {first: [("x",), ("y",)], second: [("x",)], third: []}
    assert regroup({first: ONE, second: ONE, third: ONE}, groups.__getitem__) == {("x",): ONE + ONE, ("y",): ONE}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "since", "until", "expected"),
    [
        pytest.param(
            "UTC",
            "2026-11-01",
            "2026-11-03",
            Cover(DayRange(date(2026, 11, 1), date(2026, 11, 2)), (), ()),
            id="whole days",
        ),
        pytest.param(
            "UTC",
            "2026-10-31T23:00",
            "2026-11-02T23:00",
            Cover(
                DayRange(date(2026, 11, 1), date(2026, 11, 1)),
                ((at("2026-10-31T23:00"), at("2026-11-01")), (at("2026-11-02"), at("2026-11-02T23:00"))),
                (),
            ),
            id="days of Berlin where the budget's are of Greenwich",
        ),
        pytest.param(
            "UTC",
            "2026-11-01T18:30",
            "2026-11-02T18:30",
            Cover(
                None,
                ((at("2026-11-01T19:00"), at("2026-11-02T18:00")),),
                ((at("2026-11-01T18:30"), at("2026-11-01T19:00")), (at("2026-11-02T18:00"), at("2026-11-02T18:30"))),
            ),
            id="a day of India",
        ),
        pytest.param(
            "UTC",
            "2026-11-01T18:30",
            "2026-11-01T18:40",
            Cover(None, (), ((at("2026-11-01T18:30"), at("2026-11-01T18:40")),)),
            id="a few minutes",
        ),
        pytest.param("UTC", "2026-11-02", "2026-11-02", Cover(None, (), ()), id="no time at all"),
        pytest.param("UTC", "2026-11-03", "2026-11-01", Cover(None, (), ()), id="an end before its start"),
    ],
)
def test_time_range_uses_the_largest_roll_ups(zone: str, since: str, until: str, expected: Cover) -> None:
    assert cover(at(since), at(until), ZoneInfo(zone)) == expected


INSTANTS = st.integers(0, 10 * 366 * 86_400).map(lambda second: datetime(2019, 1, 1, tzinfo=UTC) + timedelta(0, second))
ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "Africa/Cairo", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]
)


@given(INSTANTS, st.timedeltas(timedelta(0), timedelta(days=9)), st.floats(-0.2, 1.2), ZONES)
def test_each_instant_of_a_time_range_is_in_exactly_one_part(
    since: datetime, length: timedelta, where: float, zone: str
) -> None:
    tz = ZoneInfo(zone)
    until, instant = since + length, since + length * where
    parts = cover(since, until, tz)
    days = parts.days
    in_days = days is not None and days.first <= day_of(instant, tz) <= days.last
    found = in_days + sum(start <= instant < end for start, end in parts.hours + parts.rest)
    assert found == (since <= instant < until)
    assert all(start.minute == end.minute == start.second == end.second == 0 for start, end in parts.hours)
    assert all(end - start < 2 * HOUR for start, end in parts.rest)
    assert days is None or start_of_day(days.first, tz) >= since
