"""Convert cells, texts of CSV and values of JSON and Parquet, to the same values; find cells in nested objects.

The column `usage.input` is the member `input` of the object in the column `usage`.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID

from portal.gateways.lenient_values import UnclearValue, as_digits, as_latency, token_count
from portal.imports.notations import UNKNOWN, Marks, Notation, instants_in, number_in, numbers_in
from portal.rules.instants import instant_of_number, parse_lenient_instant
from portal.rules.people.secrets import as_digest
from portal.rules.spending.pricing import MAX_TOKENS

EMPTY = frozenset({"", "NULL", "null", r"\N", "None", "NaN", "nan", "N/A", "n/a", "-"})
"""The texts of empty cells in exports of databases and programs."""

_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?", re.ASCII)
_FARTHEST = 30
"""Digits before and after the point; calculations with numbers like 1E+1000000 take long."""
_SUCCESS = {"ok", "success", "succeeded", "successful", "completed", "200"}


def has_value(value: object) -> bool:
    """Return whether a cell has a value."""
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
    """Return the number of a text that means the same in all notations, such as `1.5` or `1'234`; else None."""
    if _NUMBER.fullmatch(text.strip()):
        return Decimal(text.strip())
    readings = numbers_in(text)
    return readings[Marks.POINT] if len(readings) == 2 and len(set(readings.values())) == 1 else None


def as_count(value: object, name: str, notation: Notation = UNKNOWN) -> int:
    """Return a token count, which some programs write as 12.0. Raises UnclearValue."""
    digits = as_digits(value)  # the fast way: most counts have digits only
    if digits is not None and digits <= MAX_TOKENS:
        return digits
    if not has_value(value):
        return token_count(None, name)
    found = as_number(value, name, notation)
    return token_count(int(found) if found == int(found) else found, name)


def as_milliseconds(value: object, name: str, notation: Notation = UNKNOWN) -> int | None:
    """Return the latency of a request; None for an invalid value, since no sum depends on it."""
    try:
        return as_latency(float(as_number(value, name, notation)))
    except UnclearValue:
        return None


def zoned_instant(value: object, name: str, zone: tzinfo | None, notation: Notation = UNKNOWN) -> datetime:
    """Return the instant of a text in ISO 8601 or a notation, or of a number since 1970. Raises UnclearValue.

    `zone` is the zone of dates and times without an offset; without it they are errors. A day without a time is its
    midnight.
    """
    found = as_instant(value, notation)
    if found is None:
        raise UnclearValue(f"{name} is no date and time, such as 2026-11-22T10:00:00Z.")
    if found.tzinfo is None and zone is None:
        raise UnclearValue(f"{name} has no offset, such as +01:00 or Z. Name their time zone with --timezone.")
    return found if found.tzinfo else found.replace(tzinfo=zone)


def as_instant(value: object, notation: Notation = UNKNOWN) -> datetime | None:
    """Return the instant in a cell, without an offset if the cell has none; None for other values."""
    if isinstance(value, date):
        return value if isinstance(value, datetime) else datetime.combine(value, time())
    try:
        if isinstance(value, str) and (found := parse_lenient_instant(value)):
            return found
        return _in_notation(value, notation) or instant_of_number(as_number(value, ""))
    except (UnclearValue, ValueError, OverflowError):
        return None


def in_utc(at: datetime) -> datetime:
    """Return an instant with an offset; an instant without one is in UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _in_notation(value: object, notation: Notation) -> datetime | None:
    meant = instants_in(value, None) if isinstance(value, str) else {}
    if notation.order in meant:
        return meant[notation.order]
    return next(iter(meant.values())) if len(meant) == 1 else None


def as_status(value: object, name: str) -> str:
    """Return `ok` for a word that means success, and any other status unchanged. Raises UnclearValue."""
    word = as_text(value, name).strip()
    return "ok" if word.lower() in _SUCCESS else word


def as_factor(value: object, name: str, notation: Notation = UNKNOWN) -> Decimal:
    """Return a cost factor without zeros at its end. Raises UnclearValue."""
    return as_number(value, name, notation).normalize()


def as_key_hash(value: object) -> str:
    """Return the digest of an API key; a digest itself is returned in lower case. Raises UnclearValue."""
    return as_digest(as_text(value, "api_key"))


MOST_COLUMNS = 2_000
"""Columns of a file, with those of the objects in its cells."""
_DEEPEST = 4
"""Levels of nested objects that have columns."""


def as_object(value: object) -> dict[str, Any]:
    """Return the object in a cell, which may be JSON text; an empty one for any other value."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def column_names(row: Mapping[str, Any], depth: int = _DEEPEST) -> Iterator[str]:
    """Yield the columns of a row, each followed by those of the object in its cell."""
    for name, value in row.items():
        yield name
        if depth > 1:
            yield from (f"{name}.{inner}" for inner in column_names(as_object(value), depth - 1))


def cell(row: Mapping[str, Any], name: str) -> Any:
    """Return the cell of a column; None if the row has none."""
    if name in row or "." not in name:
        return row.get(name)
    parent, _, rest = name.partition(".")
    return cell(as_object(row.get(parent)), rest)
