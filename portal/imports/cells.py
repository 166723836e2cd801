"""What the cells of a file say: texts of CSV, values of JSON and of Parquet, made into the same values."""

import math
import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from uuid import UUID

from portal.gateways.lenient_values import Unclear, as_digits, latency
from portal.imports.notations import UNKNOWN, Marks, Notation, instants_in, number_in, numbers_in
from portal.rules.pricing import MAX_TOKENS
from portal.rules.secrets import as_digest

EMPTY = frozenset({"", "NULL", "null", r"\N", "None", "NaN", "nan", "N/A", "n/a", "-"})
"""How databases, programs and people write that there is nothing."""

_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?", re.ASCII)
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?([Zz]|UTC|[+-]\d\d(?::?\d\d)?)?", re.ASCII
)
_UNITS = ((10**11, 1), (10**14, 10**3), (10**17, 10**6), (10**20, 10**9))
"""Below these, what is counted since 1970 are seconds, milliseconds, microseconds, nanoseconds: from 1973 to 5138."""
_FARTHEST = 30
"""Digits before and after the point; numbers like 1E+1000000 take long to work with."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SUCCESS = {"ok", "success", "succeeded", "successful", "completed", "200"}


def has_value(value: object) -> bool:
    """Say whether a cell holds anything."""
    if isinstance(value, str):
        return value not in EMPTY
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def text(value: object, name: str) -> str:
    """Return a cell as text. Raises Unclear."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, (str, int, Decimal, UUID)) and not isinstance(value, bool):
        return str(value)
    raise Unclear(f"{name} must be text.")


def number(value: object, name: str, notation: Notation = UNKNOWN) -> Decimal:
    """Return a cell as a number. Raises Unclear."""
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
        raise Unclear(f"{name} must be a number.")
    return found


def _in_any_notation(text: str) -> Decimal | None:
    """Return the number that a text is whoever wrote it, such as `1.5` of programs or `1'234`; None for others."""
    if _NUMBER.fullmatch(text.strip()):
        return Decimal(text.strip())
    readings = numbers_in(text)
    return readings[Marks.POINT] if len(readings) == 2 and len(set(readings.values())) == 1 else None


def count(value: object, name: str, notation: Notation = UNKNOWN) -> int:
    """Return a token count, which other programs may write as 12.0; it is never guessed. Raises Unclear."""
    digits = as_digits(value)  # most cells are: a million rows have several of them each
    if digits is not None and digits <= MAX_TOKENS:
        return digits
    if not has_value(value):
        raise Unclear(f"{name} is missing.")
    found = number(value, name, notation)
    if not 0 <= found <= MAX_TOKENS or found != int(found):
        raise Unclear(f"{name} must be a whole number from 0 to {MAX_TOKENS:,}.")
    return int(found)


def milliseconds(value: object, name: str, notation: Notation = UNKNOWN) -> int | None:
    """Return how long a request took; None where that makes no sense, since nothing depends on it."""
    try:
        return latency(float(number(value, name, notation)))
    except Unclear:
        return None


def instant(value: object, name: str, zone: tzinfo | None, notation: Notation = UNKNOWN) -> datetime:
    """Return an instant that is written as ISO 8601, in a notation, or counted since 1970. Raises Unclear.

    `zone` is that of dates and times without an offset; None does not take them. A day alone is its first moment.
    """
    found = as_instant(value, notation)
    if found is None:
        raise Unclear(f"{name} is no date and time, such as 2026-11-22T10:00:00Z.")
    if found.tzinfo is None and zone is None:
        raise Unclear(f"{name} has no offset, such as +01:00 or Z. Say with --timezone where these clocks stand.")
    return found if found.tzinfo else found.replace(tzinfo=zone)


def as_instant(value: object, notation: Notation = UNKNOWN) -> datetime | None:
    """Return the instant that a cell is, without an offset where none is written; None for what is no instant."""
    if isinstance(value, date):
        return value if isinstance(value, datetime) else datetime.combine(value, time())
    try:
        if isinstance(value, str) and (written := _INSTANT.fullmatch(value.strip())):
            day, clock, offset = written.groups("")
            return datetime.fromisoformat(f"{day}T{clock}{'+00:00' if offset in {'Z', 'z', 'UTC'} else offset}")
        return _in_notation(value, notation) or _counted(value)
    except (Unclear, ValueError, OverflowError):
        return None


def in_utc(at: datetime) -> datetime:
    """Return an instant with an offset: one without stands in UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _in_notation(value: object, notation: Notation) -> datetime | None:
    meant = instants_in(value, None) if isinstance(value, str) else {}
    if notation.order in meant:
        return meant[notation.order]
    return next(iter(meant.values())) if len(meant) == 1 else None


def _counted(value: object) -> datetime:
    counted = number(value, "")
    per_second = next((unit for below, unit in _UNITS if abs(counted) < below), _UNITS[-1][1])
    return _EPOCH + timedelta(microseconds=int(counted * 10**6 / per_second))


def status(value: object, name: str) -> str:
    """Return `ok` for what programs call a success, and every other status as it is. Raises Unclear."""
    said = text(value, name).strip()
    return "ok" if said.lower() in _SUCCESS else said


def factor(value: object, name: str, notation: Notation = UNKNOWN) -> Decimal:
    """Return a cost factor, without the zeros that databases write after it. Raises Unclear."""
    return number(value, name, notation).normalize()


def key_hash(value: object) -> str:
    """Return the digest of an API key; a digest that stands there already, as it is. Raises Unclear."""
    return as_digest(text(value, "api_key"))
