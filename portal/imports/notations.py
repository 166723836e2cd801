"""Notations of numbers and days: `1.234,5` and `20.11.2026`, or `1,234.5` and `11/20/2026`.

Decision: the notation is guessed only if all cells of a file allow a single reading; otherwise a person must give a
locale. ISO 8601 and plain digits mean the same in all notations.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from enum import Enum

from babel import Locale, UnknownLocaleError

_LONGEST = 40
_SPACES = "\u00a0\u202f "
_DAY = re.compile(
    r"(\d{1,4})([./-]) ?(\d{1,2})\2 ?(\d{1,4})\.?"
    r"(?:,? +(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,6}))?)?(?:[ \u202f]?([AaPp])\.?[Mm]\.?)?)?"
    r" ?(Z|UTC|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_CENTURY = 2000


class Marks(Enum):
    """The mark before the decimals of a number; the other mark may separate thousands."""

    POINT = "."
    COMMA = ","

    @property
    def other(self) -> str:
        """The mark that separates thousands."""
        return "," if self is Marks.POINT else "."


_NUMBERS = {
    marks: re.compile(
        rf"[+-]?(?:\d{{1,30}}|\d{{1,3}}(?:([{re.escape(marks.other)}'’{_SPACES}])\d{{3}}(?:\1\d{{3}}){{0,9}}))"
        rf"(?:{re.escape(marks.value)}\d{{1,30}})?",
        re.ASCII,
    )
    for marks in Marks
}


class Order(Enum):
    """The order of day, month and year."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"
    YEAR_FIRST = "ymd"


@dataclass(frozen=True, slots=True)
class Notation:
    """The notation of the cells of a file; None where every cell means the same in all notations.

    Its text is part of `Plan.digest`, so do not rename it, its fields or their classes: no import could continue.
    """

    marks: Marks | None = None
    order: Order | None = None


UNKNOWN = Notation()
"""Numbers without separators of thousands, and days with a single reading."""


def notation_of(locale: str) -> Notation:
    """Return the notation of a locale such as `de` or `en-GB`. Raises ValueError for an unknown locale."""
    try:
        found = Locale.parse(locale, sep="-" if "-" in locale else "_")
    except (UnknownLocaleError, ValueError, TypeError):
        raise ValueError(locale) from None
    marks = Marks.COMMA if found.number_symbols["latn"]["decimal"] == "," else Marks.POINT
    pattern = str(found.date_formats["short"].pattern).lower()
    letters = "".join(dict.fromkeys(letter for letter in pattern if letter in "dmy"))
    return Notation(marks, Order(letters) if letters in {order.value for order in Order} else None)


def number_in(text: str, marks: Marks) -> Decimal | None:
    """Return the number in a text with this decimal mark; None if it is not a number."""
    text = text.strip()
    if not _NUMBERS[marks].fullmatch(text):
        return None
    for mark in (marks.other, "'", "’", *_SPACES):
        text = text.replace(mark, "")
    return Decimal(text.replace(",", "."))


def numbers_in(text: str) -> dict[Marks, Decimal]:
    """Return the possible numbers in a text, by decimal mark."""
    found = {marks: number_in(text, marks) for marks in Marks}
    return {marks: number for marks, number in found.items() if number is not None}


def instants_in(text: str, zone: tzinfo | None) -> dict[Order, datetime]:
    """Return the possible instants of a text such as `20.11.2026 09:05`; a day without a time is its midnight.

    They have the offset in the text, else the zone, else none.
    """
    written = _DAY.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if written is None:
        return {}
    first, mark, second, third, *clock, offset = written.groups()
    at = _clock(clock)
    if at is None:
        return {}
    readings = ((order, _day(order, first, second, third)) for order in _orders(first, mark, third))
    return {order: datetime.combine(day, at, _zone(offset) or zone) for order, day in readings if day is not None}


def has_clock(text: str) -> bool:
    """Return whether a text that `instants_in` reads has a time of day."""
    return ":" in text


def _orders(first: str, mark: str, third: str) -> Iterable[Order]:
    """Return the possible orders of these numbers; with points and the year at the end, the day is first."""
    if len(first) == 4:
        return (Order.YEAR_FIRST,)
    days_first = (Order.DAY_FIRST,) if mark == "." else (Order.DAY_FIRST, Order.MONTH_FIRST)
    return days_first if len(third) == 4 else (*days_first, Order.YEAR_FIRST)


def _day(order: Order, *numbers: str) -> date | None:
    by_letter = dict(zip(order.value, numbers, strict=True))
    year = by_letter["y"]
    if len(year) not in {2, 4}:
        return None
    try:
        return date(int(year) + (_CENTURY if len(year) == 2 else 0), int(by_letter["m"]), int(by_letter["d"]))
    except ValueError:
        return None


def _clock(written: list[str | None]) -> time | None:
    """Return a time of day, midnight for a day without one; None for a time that does not exist."""
    hour, minute, second, fraction, half = written
    if hour is None:
        return time()
    hours = int(hour)
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half in "Pp" else 0)
    try:
        return time(hours, int(minute or 0), int(second or 0), int((fraction or "0").ljust(6, "0")))
    except ValueError:
        return None


def _zone(offset: str | None) -> tzinfo | None:
    return datetime.fromisoformat(f"2000-01-01T00:00{offset.replace('UTC', 'Z')}").tzinfo if offset else None
