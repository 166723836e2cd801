"""Periods in every time zone: all of ten years, and 2011, when Apia skipped a day.

Zones with equal clocks during a year are tested once, so about 60 clocks a year cover 600 names.
"""

from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from portal.rules.periods import (
    DayRange,
    Period,
    day_of,
    end_of_day,
    first_of_next_month,
    period_start,
    resets_at,
    start_of_day,
    zone_names,
)

MICROSECOND, SECOND, DAY = timedelta(microseconds=1), timedelta(seconds=1), timedelta(days=1)
YEARS = [2011, *range(2019, 2029)]


@cache
def clocks(year: int) -> dict[ZoneInfo, list[datetime]]:
    """Return one zone for each different clock of a year, with the instants of its changes (UTC, to the second)."""
    zones = [ZoneInfo(name) for name in sorted(zone_names(), reverse=True)]
    runs = [(tz, list(changes(tz, year))) for tz in zones]
    distinct = {tuple(run): tz for tz, run in runs}
    return {tz: [instant for instant, _ in run[1:]] for run, tz in distinct.items()}


def changes(tz: ZoneInfo, year: int) -> Iterator[tuple[datetime, timedelta | None]]:
    """Yield instants with the offset from UTC from then on; the first is the start, all others are changes.

    The range is from the December before the year to the January after it.
    """
    weeks = [datetime(year - 1, 12, 1, tzinfo=UTC) + timedelta(weeks=n) for n in range(62)]
    offsets = [week.astimezone(tz).utcoffset() for week in weeks]
    yield weeks[0], offsets[0]
    for (before, after), (old, new) in zip(pairwise(weeks), pairwise(offsets), strict=True):
        if old != new:
            seconds = range((after - before) // SECOND)
            at = bisect(seconds, 0, key=lambda n: (before + n * SECOND).astimezone(tz).utcoffset() != old)
            yield before + at * SECOND, new


def shown_date(instant: datetime, tz: ZoneInfo) -> date:
    return instant.astimezone(tz).date()


@pytest.mark.parametrize("year", YEARS)
def test_every_instant_is_in_exactly_one_day(year: int) -> None:
    """A day begins at the first instant with its date or a later one, and ends when the next day begins."""
    days = DayRange(date(year, 1, 1), date(year + 1, 1, 1))
    for tz in clocks(year):
        starts = [start_of_day(day, tz) for day in days]
        for day, (start, end) in zip(days, pairwise(starts), strict=False):
            assert start <= end, (tz, day)
            assert shown_date(start - MICROSECOND, tz) < day <= shown_date(start, tz), (tz, day)
            if start < end:
                assert day_of(start, tz) == day_of(end - MICROSECOND, tz) == day, (tz, day)


@pytest.mark.parametrize("year", YEARS)
def test_days_around_clock_changes_have_all_instants(year: int) -> None:
    for tz, moments in clocks(year).items():
        for moment in moments:
            for day in DayRange(moment.date() - 2 * DAY, moment.date() + 2 * DAY):
                start, end = start_of_day(day, tz), end_of_day(day, tz)
                assert end == start_of_day(day + DAY, tz)
                earlier = [start - SECOND, *(start - timedelta(minutes=15 * n) for n in range(1, 16))]
                assert all(shown_date(instant, tz) < day for instant in earlier), (tz, day)
                inside = [start + timedelta(minutes=15 * n) for n in range((end - start) // timedelta(minutes=15))]
                edges = [moment - MICROSECOND, moment, moment + MICROSECOND, end - MICROSECOND]
                for instant in [*inside, *(edge for edge in edges if start <= edge < end)]:
                    assert day_of(instant, tz) == day, (tz, instant)
                    assert resets_at(Period.DAILY, instant, tz) == end, (tz, instant)


@pytest.mark.parametrize("year", YEARS)
def test_every_instant_is_in_exactly_one_month(year: int) -> None:
    firsts = [date(year, month, 1) for month in range(1, 13)]
    for tz in clocks(year):
        for first, following in pairwise([*firsts, date(year + 1, 1, 1)]):
            start, end = start_of_day(first, tz), start_of_day(following, tz)
            assert timedelta(days=27) < end - start < timedelta(days=32), (tz, first)
            for instant in (start, start + MICROSECOND, start + (end - start) / 2, end - DAY, end - MICROSECOND):
                assert period_start(Period.MONTHLY, day_of(instant, tz)) == first, (tz, instant)
                assert resets_at(Period.MONTHLY, instant, tz) == end, (tz, instant)
            assert resets_at(Period.MONTHLY, end, tz) == start_of_day(first_of_next_month(following), tz), (tz, first)


def utc(text: str) -> datetime:
    """Return the instant of a text such as 2026-11-22 14:05, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "before", "instant", "after"),
    [
        pytest.param("Africa/Cairo", "2026-04-23", "2026-04-23 22:00", "2026-04-24", id="Cairo: 00:00 becomes 01:00"),
        pytest.param("Asia/Beirut", "2027-03-27", "2027-03-27 22:00", "2027-03-28", id="Beirut: 00:00 becomes 01:00"),
        pytest.param(
            "America/Santiago", "2025-09-06", "2025-09-07 04:00", "2025-09-07", id="Santiago: 00:00 becomes 01:00"
        ),
        pytest.param(
            "America/Havana", "2026-03-07", "2026-03-08 05:00", "2026-03-08", id="Havana: 00:00 becomes 01:00"
        ),
        pytest.param("America/Havana", "2026-10-31", "2026-11-01 04:00", "2026-11-01", id="Havana: the first midnight"),
        pytest.param("America/Asuncion", "2024-10-05", "2024-10-06 04:00", "2024-10-06", id="Asunción: no midnight"),
        pytest.param(
            "Asia/Tehran", "2022-03-21", "2022-03-21 20:30", "2022-03-22", id="Tehran: no midnight, for the last time"
        ),
        pytest.param("Atlantic/Azores", "2026-03-28", "2026-03-29 01:00", "2026-03-29", id="the Azores: no midnight"),
        pytest.param("Atlantic/Azores", "2026-10-24", "2026-10-25 00:00", "2026-10-25", id="the Azores: two midnights"),
        pytest.param("Australia/Lord_Howe", "2026-10-03", "2026-10-03 13:30", "2026-10-04", id="Lord Howe at +10:30"),
        pytest.param("Australia/Lord_Howe", "2026-10-04", "2026-10-04 13:00", "2026-10-05", id="Lord Howe at +11"),
        pytest.param("Pacific/Apia", "2011-12-29", "2011-12-30 10:00", "2011-12-31", id="Apia: a day is missing"),
        pytest.param("Pacific/Kiritimati", "2025-12-31", "2025-12-31 10:00", "2026-01-01", id="the first to reset"),
        pytest.param("Etc/GMT+12", "2025-12-31", "2026-01-01 12:00", "2026-01-01", id="the last"),
        pytest.param("Asia/Kathmandu", "2026-02-28", "2026-02-28 18:15", "2026-03-01", id="Kathmandu: quarters"),
        pytest.param("Africa/Casablanca", "2026-02-14", "2026-02-14 23:00", "2026-02-15", id="Casablanca in Ramadan"),
    ],
)
def test_budget_resets_between_two_days(name: str, before: str, instant: str, after: str) -> None:
    tz, reset = ZoneInfo(name), utc(instant)
    assert [day_of(reset - MICROSECOND, tz).isoformat(), day_of(reset, tz).isoformat()] == [before, after]
    assert resets_at(Period.DAILY, reset - MICROSECOND, tz) == reset
    assert resets_at(Period.DAILY, reset - SECOND, tz) == reset


def test_month_with_two_midnights_resets_at_the_first() -> None:
    """In Havana clocks go back on 1 November 2026 at one o'clock: the first hour of the month comes twice."""
    havana, first, second = ZoneInfo("America/Havana"), utc("2026-11-01 04:00"), utc("2026-11-01 05:00")
    assert first.astimezone(havana).replace(tzinfo=None) == second.astimezone(havana).replace(tzinfo=None)
    assert resets_at(Period.MONTHLY, first - MICROSECOND, havana) == first
    assert resets_at(Period.MONTHLY, second - MICROSECOND, havana) == utc("2026-12-01 05:00")


def test_all_zones_are_tested() -> None:
    assert len(zone_names()) > 400
    assert {"Africa/Cairo", "America/Havana", "Asia/Beirut", "Pacific/Apia", "Australia/Lord_Howe"} <= zone_names()
    assert 40 < len(clocks(2026)) < len(clocks(2011)) < 200
