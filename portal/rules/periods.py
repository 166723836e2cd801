"""Days, months and resets in a time zone, correct if a midnight does not exist or comes twice.

Source of the rules: a day of a zone is the set of instants with that local date. Its first instant is therefore not
always 00:00. If clocks jump over midnight (Cairo, Beirut, Santiago), the day begins at 01:00. If midnight comes twice
(Havana), the day begins at the first one. If clocks go back from the new day into the old one (St. John's until 2011,
at 00:01), the repeated hour belongs to the new day: days never overlap.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from portal.rules.messages import InvalidValue, Message, context_plural_message, message


class Period(StrEnum):
    """The period of a budget."""

    DAILY = "daily"
    MONTHLY = "monthly"
    TOTAL = "total"


EPOCH_DAY = date(1970, 1, 1)
"""Start of the one total period of every account."""


@dataclass(frozen=True, slots=True)
class DayRange:
    """Whole days, both ends inclusive."""

    first: date
    last: date

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(n) for n in range(len(self)))

    def __len__(self) -> int:
        return max((self.last - self.first).days + 1, 0)


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Return all IANA zones that a person may choose, without the pseudo zones of the system."""
    return frozenset(name for name in available_timezones() if not name.startswith(("posix/", "right/", "localtime")))


UTC_ZONE = "UTC"
"""The zone of an installation that chose none."""


def zone(name: str) -> ZoneInfo:
    """Return the IANA zone called `name`; raises ValueError for any other text."""
    if name not in zone_names():
        raise ValueError(f"unknown time zone {name[:64]!r}")
    return ZoneInfo(name)


def zone_or(name: str | None, otherwise: ZoneInfo) -> ZoneInfo:
    """Return the zone called `name`, which an account has chosen; `otherwise` if it has not chosen any."""
    return zone(name) if name else otherwise


def day_of(instant: datetime, tz: ZoneInfo) -> date:
    """Return the day of `tz` that contains an instant: `start_of_day(day) <= instant < end_of_day(day)`."""
    day = instant.astimezone(tz).date()
    return day if instant < end_of_day(day, tz) else day + timedelta(1)


class DayFinder:
    """Finds the days of many instants; fast if an instant lies on the same day as the one before."""

    def __init__(self, tz: ZoneInfo) -> None:
        """Find days of `tz`."""
        self._tz = tz
        self._day = date.min
        self._start = self._end = datetime.min.replace(tzinfo=UTC)

    def day_of(self, instant: datetime) -> date:
        """Return the day that contains an instant, as the function `day_of` does."""
        if not self._start <= instant < self._end:
            self._day = day_of(instant, self._tz)
            self._start, self._end = start_of_day(self._day, self._tz), end_of_day(self._day, self._tz)
        return self._day


@lru_cache(maxsize=1024)  # the same few days are asked for again and again
def start_of_day(day: date, tz: ZoneInfo) -> datetime:
    """Return the first instant (UTC) with the local date `day` in `tz`; of a skipped day, that of the next day."""
    midnight = datetime.combine(day, time(), tz)  # fold=0: the earlier of two midnights
    instant = midnight.astimezone(UTC)
    if instant.astimezone(tz) == midnight:  # Python compares the local times of one zone
        return instant
    # This midnight does not exist: the day begins at the first instant after the transition. Within two days around it
    # local time has one jump, so a binary search finds the transition exactly.
    before, after = instant - timedelta(days=2), instant + timedelta(days=2)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(tz).date() < day:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def end_of_day(day: date, tz: ZoneInfo) -> datetime:
    """Return the first instant (UTC) after `day`, so that `start <= instant < end` is the day."""
    return start_of_day(day + timedelta(1), tz)


def first_of_month(day: date) -> date:
    """Return the first day of the month that contains `day`."""
    return day.replace(day=1)


_MONTH = message("A month looks like 2026-11.")


class InvalidMonth(InvalidValue):
    """A month is malformed."""


def parse_month(text: str) -> date:
    """Return the first day of a month such as 2026-11. Raises InvalidMonth."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise InvalidMonth(_MONTH) from None
    if first.isoformat() != f"{text}-01" or not 2000 <= first.year < 3000:
        raise InvalidMonth(_MONTH)
    return first


def first_of_next_month(day: date) -> date:
    """Return the first day of the month after the month of `day`."""
    return (day.replace(day=1) + timedelta(32)).replace(day=1)


def period_start(period: Period, day: date) -> date:
    """Return the first day of the period that contains `day`; counters are stored under it."""
    match period:
        case Period.DAILY:
            return day
        case Period.MONTHLY:
            return first_of_month(day)
        case Period.TOTAL:
            return EPOCH_DAY


def resets_at(period: Period, now: datetime, tz: ZoneInfo) -> datetime | None:
    """Return when the period that contains `now` ends (UTC); a total budget never resets."""
    return _end(period, day_of(now, tz), tz)


def elapsed_share(period: Period, now: datetime, tz: ZoneInfo) -> float | None:
    """Return the share of the period that has passed, 0 to 1, for drawing only, never for sums; None for the total."""
    today = day_of(now, tz)
    end = _end(period, today, tz)
    if end is None:
        return None
    start = start_of_day(period_start(period, today), tz)
    return (now - start) / (end - start)


def _end(period: Period, day: date, tz: ZoneInfo) -> datetime | None:
    match period:
        case Period.DAILY:
            return end_of_day(day, tz)
        case Period.MONTHLY:
            return start_of_day(first_of_next_month(day), tz)
        case Period.TOTAL:
            return None


def last_days(count: int, now: datetime, tz: ZoneInfo) -> DayRange:
    """Return the last `count` whole days of `tz`, today included."""
    today = day_of(now, tz)
    return DayRange(today - timedelta(count - 1), today)


def countdown(until: datetime, now: datetime) -> Message:
    """Return the time until an instant, rounded down, as written after "in": `5 h 12 min`, from 48 hours `3 days`."""
    minutes = max(int((until - now).total_seconds() // 60), 0)
    if minutes >= 48 * 60:
        return context_plural_message("after in", "{count} day", "{count} days", minutes // (24 * 60))
    if minutes >= 60:
        return message("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)
    return message("{minutes} min", minutes=minutes) if minutes else message("less than a minute")
