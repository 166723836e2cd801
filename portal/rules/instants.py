"""Instants as programs write them."""

import re
from datetime import UTC, datetime

YEARS = (1900, 2999)
"""Years that an instant may lie in; at the ends of the calendar a change of zone would overflow."""

_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):?[0-5]\d)", re.ASCII
)


class InvalidInstant(ValueError):
    """The text names no instant; the message is a sentence."""


def parse_instant(text: object) -> datetime:
    """Return the instant (UTC) of an ISO 8601 text with an offset, to the microsecond. Raises InvalidInstant.

    Finer digits are cut off, as clocks of other programs give nanoseconds. A leap second is no instant of the
    computer's time (POSIX counts none).
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
