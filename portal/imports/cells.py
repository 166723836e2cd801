"""Values of cells: texts of CSV and values of JSON and Parquet are converted to the same values."""

import math
import re
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from uuid import UUID

from portal.gateways.lenient_values import UnclearValue, as_digits, as_latency, token_count
from portal.imports.notations import UNKNOWN, Marks, Notation, instants_in, number_in, numbers_in
from portal.rules.instants import instant_of_number, parse_lenient_instant
from portal.rules.pricing import MAX_TOKENS
from portal.rules.secrets import as_digest

EMPTY = frozenset({"", "NULL", "null", r"\N", "None", "NaN", "nan", "N/A", "n/a", "-"})
"""What databases, programs and people write into an empty cell."""

_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?", re.ASCII)
_FARTHEST = 30
"""Digits before and after the point; numbers like 1E+1000000 take long to work with."""
_SUCCESS = {"ok", "success", "succeeded", "successful", "completed", "200"}


def has_value(value: object) -> bool:
    """Say whether a cell has a value."""
    if isinstance(value, str):
        return value not in EMPTY
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def as_text(value: object, name: str) -> str:
    """Return a cell as text. Raises UnclearValue."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, (str, int, Decimal, UUID)) and not isinstance(value, bool):
        return str(value)
    raise UnclearValue(f"{name} must be text.")


def as_number(value: object, name: str, notation: Notation = UNKNOWN) -> Decimal:
    """Return a cell as a number. Raises UnclearValue."""
    found = None
    if isinstance(value, str) and notation.marks:
        found = number_in(value, notation.marks)
    elif isinstance(value, str):
        found = _in_any_notation(value)
    elif isinstance(value, float) and math.isfinite(value):
        found = Decimal(repr(value))
    elif isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        found = Decimal(value)
    if found is None or abs(found.adjusted()) > _FARTHEST:
        raise UnclearValue(f"{name} must be a number.")
    return found


def _in_any_notation(text: str) -> Decimal | None:
    """Return the number of a text that is the same in all notations, such as `1.5` or `1'234`; None for others."""
    if _NUMBER.fullmatch(text.strip()):
        return Decimal(text.strip())
    readings = numbers_in(text)
    return readings[Marks.POINT] if len(readings) == 2 and len(set(readings.values())) == 1 else None


def as_count(value: object, name: str, notation: Notation = UNKNOWN) -> int:
    """Return a token count, which other programs may write as 12.0; it is never guessed. Raises UnclearValue."""
    digits = as_digits(value)  # most cells have digits only: a million rows have several of them each
    if digits is not None and digits <= MAX_TOKENS:
        return digits
    if not has_value(value):
        return token_count(None, name)
    found = as_number(value, name, notation)
    return token_count(int(found) if found == int(found) else found, name)


def as_milliseconds(value: object, name: str, notation: Notation = UNKNOWN) -> int | None:
    """Return the latency of a request; None where it is impossible, since no figure depends on it."""
    try:
        return as_latency(float(as_number(value, name, notation)))
    except UnclearValue:
        return None


def zoned_instant(value: object, name: str, zone: tzinfo | None, notation: Notation = UNKNOWN) -> datetime:
    """Return an instant that is written as ISO 8601, in a notation, or counted since 1970. Raises UnclearValue.

    `zone` is that of dates and times without an offset; None does not take them. A day alone is its first moment.
    """
    found = as_instant(value, notation)
    if found is None:
        raise UnclearValue(f"{name} is no date and time, such as 2026-11-22T10:00:00Z.")
    if found.tzinfo is None and zone is None:
        raise UnclearValue(f"{name} has no offset, such as +01:00 or Z. Name their time zone with --timezone.")
    return found if found.tzinfo else found.replace(tzinfo=zone)


def as_instant(value: object, notation: Notation = UNKNOWN) -> datetime | None:
    """Return the instant in a cell, without an offset where none is written; None for other values."""
    if isinstance(value, date):
        return value if isinstance(value, datetime) else datetime.combine(value, time())
    try:
        if isinstance(value, str) and (found := parse_lenient_instant(value)):
            return found
        return _in_notation(value, notation) or instant_of_number(as_number(value, ""))
    except (UnclearValue, ValueError, OverflowError):
        return None


def in_utc(at: datetime) -> datetime:
    """Return an instant with an offset; without one, it is in UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _in_notation(value: object, notation: Notation) -> datetime | None:
    meant = instants_in(value, None) if isinstance(value, str) else {}
    if notation.order in meant:
        return meant[notation.order]
    return next(iter(meant.values())) if len(meant) == 1 else None


def as_status(value: object, name: str) -> str:
    """Return `ok` for the words that programs use for success; any other status unchanged. Raises UnclearValue."""
    word = as_text(value, name).strip()
    return "ok" if word.lower() in _SUCCESS else word


def as_factor(value: object, name: str, notation: Notation = UNKNOWN) -> Decimal:
    """Return a cost factor, without the zeros that databases write after it. Raises UnclearValue."""
    return as_number(value, name, notation).normalize()


def as_key_hash(value: object) -> str:
    """Return the digest of an API key; a digest is returned in lower case. Raises UnclearValue."""
    return as_digest(as_text(value, "api_key"))
