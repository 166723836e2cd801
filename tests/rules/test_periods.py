"""Days, months and resets, with unusual changes of clocks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.rules.periods import (
    EPOCH_DAY,
    DayRange,
    Period,
    countdown,
    day_of,
    elapsed_share,
    end_of_day,
    first_of_month,
    first_of_next_month,
    last_days,
    period_start,
    resets_at,
    start_of_day,
    zone,
    zone_names,
    zone_or,
)

MICROSECOND = timedelta(microseconds=1)


def utc(text: str) -> datetime:
    """Return the instant of a text such as 2026-11-22 14:05, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# name, day, its first instant, its length in hours
DAYS = [
    pytest.param("UTC", "2026-11-22", "2026-11-22 00:00", 24, id="UTC has only days of 24 hours"),
    pytest.param("UTC", "2028-02-29", "2028-02-29 00:00", 24, id="leap day"),
    pytest.param("Europe/Berlin", "2026-03-29", "2026-03-28 23:00", 23, id="Berlin loses an hour in spring"),
    pytest.param("Europe/Berlin", "2026-10-25", "2026-10-24 22:00", 25, id="Berlin gains one in autumn"),
    pytest.param("Asia/Kathmandu", "2026-11-22", "2026-11-21 18:15", 24, id="Kathmandu is 5:45 h ahead of UTC"),
    pytest.param("Pacific/Kiritimati", "2026-01-01", "2025-12-31 10:00", 24, id="Kiritimati begins days first"),
    pytest.param("Africa/Cairo", "2023-04-28", "2023-04-27 22:00", 23, id="Cairo has no midnight"),
    pytest.param("Africa/Cairo", "2023-04-27", "2023-04-26 22:00", 24, id="the day before Cairo's missing midnight"),
    pytest.param("Africa/Cairo", "2023-10-26", "2023-10-25 21:00", 25, id="Cairo turns back from midnight to eleven"),
    pytest.param("Asia/Beirut", "2023-03-26", "2023-03-25 22:00", 23, id="Beirut has no midnight"),
    pytest.param("America/Santiago", "2023-09-03", "2023-09-03 04:00", 23, id="Santiago has no midnight"),
    pytest.param("America/Santiago", "2023-04-01", "2023-04-01 03:00", 25, id="Santiago turns back at midnight"),
    pytest.param("America/Santiago", "2023-04-02", "2023-04-02 04:00", 24, id="Santiago, the day after"),
    pytest.param("America/Havana", "2023-11-05", "2023-11-05 04:00", 25, id="Havana has two midnights"),
    pytest.param("America/Havana", "2023-03-12", "2023-03-12 05:00", 23, id="Havana has no midnight"),
    pytest.param("Pacific/Apia", "2011-12-29", "2011-12-29 10:00", 24, id="Apia before the day it skipped"),
    pytest.param("Pacific/Apia", "2011-12-30", "2011-12-30 10:00", 0, id="the day Apia skipped"),
    pytest.param("Pacific/Apia", "2011-12-31", "2011-12-30 10:00", 24, id="Apia after the day it skipped"),
    pytest.param("Australia/Lord_Howe", "2026-10-04", "2026-10-03 13:30", 23.5, id="Lord Howe loses half an hour"),
    pytest.param("Australia/Lord_Howe", "2026-04-05", "2026-04-04 13:00", 24.5, id="Lord Howe gains half an hour"),
    pytest.param("America/Nuuk", "2024-03-31", "2024-03-31 01:00", 24, id="Nuuk jumps to midnight"),
    pytest.param("America/Nuuk", "2024-03-30", "2024-03-30 02:00", 23, id="Nuuk loses the hour before midnight"),
    pytest.param("America/Scoresbysund", "2023-03-26", "2023-03-26 01:00", 23, id="Scoresbysund follows UTC"),
    pytest.param("America/Toronto", "1919-03-31", "1919-03-31 04:30", 23.5, id="Toronto once jumped over midnight"),
    pytest.param("America/St_Johns", "2006-10-29", "2006-10-29 02:30", 25, id="St John's turns back at 00:01"),
    pytest.param("Antarctica/Casey", "2010-03-05", "2010-03-04 13:00", 27, id="Casey goes back to yesterday"),
]


@pytest.mark.parametrize(("name", "day", "start", "hours"), DAYS)
def test_day_begins_and_ends_as_its_zone_defines(name: str, day: str, start: str, hours: float) -> None:
    tz, which = ZoneInfo(name), date.fromisoformat(day)
    assert start_of_day(which, tz) == utc(start)
    assert end_of_day(which, tz) - start_of_day(which, tz) == timedelta(hours=hours)
    assert start_of_day(which, tz).utcoffset() == timedelta(0)


@pytest.mark.parametrize(("name", "day", "start", "hours"), [case for case in DAYS if case.values[3]])
def test_first_instant_is_in_the_day_and_earlier_is_not(name: str, day: str, start: str, hours: float) -> None:
    tz, which = ZoneInfo(name), date.fromisoformat(day)
    first = start_of_day(which, tz)
    assert day_of(first, tz) == which
    assert day_of(first - MICROSECOND, tz) < which
    assert day_of(end_of_day(which, tz) - MICROSECOND, tz) == which
    assert day_of(end_of_day(which, tz), tz) > which


def test_skipped_day_is_empty() -> None:
    apia = ZoneInfo("Pacific/Apia")
    skipped = date(2011, 12, 30)
    assert start_of_day(skipped, apia) == end_of_day(skipped, apia)
    assert day_of(start_of_day(skipped, apia), apia) == date(2011, 12, 31)
    assert day_of(start_of_day(skipped, apia) - MICROSECOND, apia) == date(2011, 12, 29)


ODD_ZONES = sorted({str(case.values[0]) for case in DAYS} | {"Africa/Casablanca", "Asia/Gaza", "Asia/Tehran"})


@settings(max_examples=300)
@given(
    name=st.sampled_from(ODD_ZONES),
    since_2000=st.timedeltas(timedelta(0), timedelta(days=37 * 365)),
)
def test_random_instant_is_in_the_day_it_counts_in(name: str, since_2000: timedelta) -> None:
    tz, instant = ZoneInfo(name), utc("2000-01-02") + since_2000
    day = day_of(instant, tz)
    assert start_of_day(day, tz) <= instant < end_of_day(day, tz)


@pytest.mark.parametrize("name", ODD_ZONES)
def test_days_have_no_gap_and_no_overlap(name: str) -> None:
    """On all days of years with unusual midnights, instants near the ends of a day are in that day."""
    tz = ZoneInfo(name)
    for year in (2006, 2010, 2011, 2023, 2024, 2026):
        day = date(year, 1, 1)
        while day.year == year:
            start, end = start_of_day(day, tz), end_of_day(day, tz)
            if start < end:
                inside = (start, start + timedelta(minutes=59), start + (end - start) / 2, end - MICROSECOND)
                assert {day_of(instant, tz) for instant in inside} == {day}, (name, day)
            day += timedelta(1)


def test_repeated_hour_of_st_johns_is_in_the_new_day() -> None:
    """At 00:01 the clocks went back to 23:01: the new day had begun when the last hour of the old day was repeated."""
    tz = ZoneInfo("America/St_Johns")
    again = utc("2006-10-29 03:00")
    assert f"{again.astimezone(tz):%d %H:%M}" == "28 23:30"
    assert day_of(again, tz) == date(2006, 10, 29)


@pytest.mark.parametrize(
    ("period", "now", "name", "expected"),
    [
        pytest.param("daily", "2026-11-22 14:05", "UTC", "2026-11-23 00:00", id="tonight"),
        pytest.param("daily", "2026-11-22 00:00", "UTC", "2026-11-23 00:00", id="midnight belongs to the new day"),
        pytest.param("daily", "2026-11-22 23:30", "Europe/Berlin", "2026-11-23 23:00", id="tomorrow already in Berlin"),
        pytest.param("daily", "2026-03-28 23:30", "Europe/Berlin", "2026-03-29 22:00", id="a short day in Berlin"),
        pytest.param("daily", "2023-04-27 12:00", "Africa/Cairo", "2023-04-27 22:00", id="to a missing midnight"),
        pytest.param("daily", "2023-11-04 12:00", "America/Havana", "2023-11-05 04:00", id="to the first of two"),
        pytest.param("daily", "2023-11-05 05:30", "America/Havana", "2023-11-06 05:00", id="the second is no reset"),
        pytest.param("daily", "2011-12-30 09:59", "Pacific/Apia", "2011-12-30 10:00", id="over the skipped day"),
        pytest.param("monthly", "2026-11-22 14:05", "UTC", "2026-12-01 00:00", id="the first of next month"),
        pytest.param("monthly", "2026-12-31 23:59", "UTC", "2027-01-01 00:00", id="the end of the year"),
        pytest.param("monthly", "2028-01-31 12:00", "UTC", "2028-02-01 00:00", id="from the 31st"),
        pytest.param("monthly", "2028-02-29 12:00", "UTC", "2028-03-01 00:00", id="from a leap day"),
        pytest.param("monthly", "2026-10-31 23:30", "Europe/Berlin", "2026-11-30 23:00", id="November in Berlin"),
        pytest.param("monthly", "2026-10-01 12:00", "Europe/Berlin", "2026-10-31 23:00", id="as clocks change"),
        pytest.param("total", "2026-11-22 14:05", "UTC", None, id="never"),
    ],
)
def test_reset_of_a_period(period: str, now: str, name: str, expected: str | None) -> None:
    instant = resets_at(Period(period), utc(now), ZoneInfo(name))
    assert instant == (None if expected is None else utc(expected))


@pytest.mark.parametrize(
    ("day", "first", "following"),
    [
        pytest.param("2026-11-22", "2026-11-01", "2026-12-01", id="within a month"),
        pytest.param("2026-12-01", "2026-12-01", "2027-01-01", id="its first day"),
        pytest.param("2026-12-31", "2026-12-01", "2027-01-01", id="its last day"),
        pytest.param("2028-01-31", "2028-01-01", "2028-02-01", id="before a short month"),
        pytest.param("2027-02-28", "2027-02-01", "2027-03-01", id="February"),
        pytest.param("2028-02-29", "2028-02-01", "2028-03-01", id="February of a leap year"),
    ],
)
def test_first_day_of_this_and_the_next_month(day: str, first: str, following: str) -> None:
    which = date.fromisoformat(day)
    assert first_of_month(which) == date.fromisoformat(first)
    assert first_of_next_month(which) == date.fromisoformat(following)


def test_period_is_named_by_its_first_day() -> None:
    day = date(2026, 11, 22)
    assert {period: period_start(period, day) for period in Period} == {
        Period.DAILY: day,
        Period.MONTHLY: date(2026, 11, 1),
        Period.TOTAL: EPOCH_DAY,
    }


def test_day_range_includes_both_ends() -> None:
    days = DayRange(date(2026, 2, 27), date(2026, 3, 1))
    assert list(days) == [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1)]
    assert len(days) == 3


def test_day_range_that_ends_before_its_start_is_empty() -> None:
    days = DayRange(date(2026, 3, 1), date(2026, 2, 27))
    assert list(days) == []
    assert len(days) == 0


def test_last_days_include_today_of_their_zone() -> None:
    now = utc("2026-11-22 23:30")
    assert last_days(14, now, ZoneInfo("UTC")) == DayRange(date(2026, 11, 9), date(2026, 11, 22))
    assert last_days(14, now, ZoneInfo("Europe/Berlin")) == DayRange(date(2026, 11, 10), date(2026, 11, 23))
    assert last_days(1, now, ZoneInfo("UTC")) == DayRange(date(2026, 11, 22), date(2026, 11, 22))


@pytest.mark.parametrize(
    ("period", "now", "name", "share"),
    [
        pytest.param("daily", "2026-11-22 12:00", "UTC", 0.5, id="noon"),
        pytest.param("daily", "2026-11-22 00:00", "UTC", 0.0, id="midnight"),
        pytest.param("daily", "2026-10-25 10:30", "Europe/Berlin", 0.5, id="the middle of a day of 25 hours"),
        pytest.param("monthly", "2026-11-16 00:00", "UTC", 0.5, id="half a month"),
        pytest.param("total", "2026-11-22 12:00", "UTC", None, id="a total has no end"),
    ],
)
def test_elapsed_share_of_a_period(period: str, now: str, name: str, share: float | None) -> None:
    assert elapsed_share(Period(period), utc(now), ZoneInfo(name)) == share


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        pytest.param(-5, "less than a minute", id="in the past"),
        pytest.param(0, "less than a minute", id="now"),
        pytest.param(59, "less than a minute", id="the last seconds"),
        pytest.param(60, "1 min", id="a minute"),
        pytest.param(59 * 60 + 59, "59 min", id="just below an hour"),
        pytest.param(3600, "1 h 0 min", id="an hour"),
        pytest.param(5 * 3600 + 12 * 60 + 59, "5 h 12 min", id="hours and minutes, rounded down"),
        pytest.param(48 * 3600 - 1, "47 h 59 min", id="just below 48 hours"),
        pytest.param(48 * 3600, "2 days", id="48 hours"),
        pytest.param(72 * 3600 - 1, "2 days", id="just below three days"),
        pytest.param(3 * 86400, "3 days", id="three days"),
        pytest.param(31 * 86400, "31 days", id="a month"),
    ],
)
def test_countdown_is_rounded_down(seconds: int, words: str) -> None:
    now = utc("2026-11-22 14:05")
    assert str(countdown(now + timedelta(seconds=seconds), now)) == words


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+12"])
def test_iana_zone_can_be_chosen(name: str) -> None:
    assert zone(name).key == name


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="nothing"),
        pytest.param("Mars/Olympus", id="unknown"),
        pytest.param("europe/berlin", id="in small letters"),
        pytest.param("../../etc/passwd", id="a path"),
        pytest.param("/usr/share/zoneinfo/UTC", id="an absolute path"),
        pytest.param("posix/Europe/Berlin", id="the system's own copy"),
        pytest.param("right/Europe/Berlin", id="with leap seconds"),
        pytest.param("localtime", id="the machine's own"),
        pytest.param("UTC\x00", id="with a NUL"),
        pytest.param("\ud800", id="a lone surrogate"),
        pytest.param("A" * 10_000, id="very long"),
    ],
)
def test_other_text_is_not_a_zone(name: str) -> None:
    with pytest.raises(ValueError, match="unknown time zone"):
        zone(name)


def test_every_offered_zone_can_be_used() -> None:
    assert len(zone_names()) > 400
    for name in zone_names():
        assert abs(day_of(utc("2026-11-22 12:00"), zone(name)) - date(2026, 11, 22)) <= timedelta(1)


def test_account_without_a_zone_has_the_other_one() -> None:
    assert zone_or("Europe/Berlin", ZoneInfo("UTC")).key == "Europe/Berlin"
    assert zone_or(None, ZoneInfo("UTC")).key == "UTC"
