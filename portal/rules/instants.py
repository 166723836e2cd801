"""Reads instants that programs wrote: ISO 8601 texts, and numbers since 1970."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

YEARS = (1900, 2999)
"""First and last year of an instant; near the ends of Python's calendar a change of zone would overflow."""

_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):?[0-5]\d)", re.ASCII
)
_LENIENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?([Zz]|UTC|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = ((10**11, 1), (10**14, 10**3), (10**17, 10**6), (10**20, 10**9))
"""Bounds, and units per second: a number below the bound counts seconds, milliseconds, microseconds or nanoseconds.

This is right for instants in the years 1973 to 5138.
"""


class InvalidInstant(ValueError):
    """The value is not an instant; the message is a sentence."""


def parse_instant(text: object) -> datetime:
    """Return the instant (UTC) of an ISO 8601 text with an offset, to the microsecond. Raises InvalidInstant.

    Further digits are cut off, since other programs write nanoseconds. A leap second is refused: the time of POSIX does
    not have it.
    """
    if not isinstance(text, str) or not _INSTANT.fullmatch(text):
        raise InvalidInstant("An instant has a date, a time and an offset, such as 2026-11-22T10:00:00Z.")
    try:
        instant = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInstant("There is no such day or time.") from None
    if not YEARS[0] <= instant.year <= YEARS[1]:
        raise InvalidInstant(f"An instant lies between the years {YEARS[0]} and {YEARS[1]}.")
    return instant


def parse_utc_instant(text: object) -> datetime:
    """Return the instant of an ISO 8601 text; without an offset it is UTC. Raises InvalidInstant."""
    try:
        return parse_instant(text)
    except InvalidInstant:
        return parse_instant(f"{text}Z")


def parse_lenient_instant(text: str) -> datetime | None:
    """Return the instant of a text such as `2026-11-22 10:00:00 UTC`; a naive datetime if it has no offset.

    None for a text in another form. Raises ValueError for a day or time that does not exist.
    """
    found = _LENIENT.fullmatch(text.strip())
    if found is None:
        return None
    day, clock, offset = found.groups("")
    return datetime.fromisoformat(f"{day}T{clock}{'+00:00' if offset in {'Z', 'z', 'UTC'} else offset}")


def instant_of_seconds(seconds: float) -> datetime:
    """Return the instant that is so many seconds after the start of 1970 (UTC). Raises InvalidInstant."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidInstant("There is no such day or time.") from None


def instant_of_nanoseconds(nanoseconds: int) -> datetime:
    """Return the instant that is so many nanoseconds after the start of 1970 (UTC), to the microsecond."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def instant_of_number(number: Decimal) -> datetime:
    """Return the instant of a number of seconds or smaller units since 1970 (UTC); its size decides the unit.

    Raises OverflowError for a number that is too large.
    """
    per_second = next((unit for below, unit in _UNITS if abs(number) < below), _UNITS[-1][1])
    return _EPOCH + timedelta(microseconds=int(number * 10**6 / per_second))
