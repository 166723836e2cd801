"""What the cells of a file say: texts of CSV, values of JSON and of Parquet, made into the same values."""

import json
import math
import re
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID

from portal.gateways.values import Unclear, latency
from portal.rules.pricing import MAX_TOKENS
from portal.rules.secrets import as_digest

NOT_SAID = ("", "NULL", r"\N")
"""How databases write null into CSV."""

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


def is_said(value: object) -> bool:
    """Say whether a cell holds anything."""
    return value is not None and value not in NOT_SAID and not (isinstance(value, float) and math.isnan(value))


def text(value: object, name: str) -> str:
    """Return a cell as text. Raises Unclear."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, (str, int, Decimal, UUID)) and not isinstance(value, bool):
        return str(value)
    raise Unclear(f"{name} must be text.")


def number(value: object, name: str) -> Decimal:
    """Return a cell as a number. Raises Unclear."""
    found = None
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        found = Decimal(value.strip())
    elif isinstance(value, float) and math.isfinite(value):
        found = Decimal(repr(value))
    elif isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        found = Decimal(value)
    if found is None or abs(found.adjusted()) > _FARTHEST:
        raise Unclear(f"{name} must be a number.")
    return found


def count(value: object, name: str) -> int:
    """Return a token count, which other programs may write as 12.0; it is never guessed. Raises Unclear."""
    if not is_said(value):
        raise Unclear(f"{name} is missing.")
    found = number(value, name)
    if not 0 <= found <= MAX_TOKENS or found != int(found):
        raise Unclear(f"{name} must be a whole number from 0 to {MAX_TOKENS:,}.")
    return int(found)


def milliseconds(value: object, name: str) -> int | None:
    """Return how long a request took; None where that makes no sense, since nothing depends on it."""
    try:
        return latency(float(number(value, name)))
    except Unclear:
        return None


def instant(value: object, name: str, zone: tzinfo | None) -> datetime:
    """Return an instant that is written as ISO 8601 or counted since 1970. Raises Unclear.

    `zone` is that of dates and times without an offset; None does not take them.
    """
    try:
        found = value if isinstance(value, datetime) else _instant(value, name)
    except (Unclear, ValueError, OverflowError):
        raise Unclear(f"{name} is no date and time, such as 2026-11-22T10:00:00Z.") from None
    if found.tzinfo is None and zone is None:
        raise Unclear(f"{name} has no offset, such as +01:00 or Z. Say with --timezone where these clocks stand.")
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _instant(value: object, name: str) -> datetime:
    written = _INSTANT.fullmatch(value.strip()) if isinstance(value, str) else None
    if written:
        day, time, offset = written.groups("")
        return datetime.fromisoformat(f"{day}T{time}{'+00:00' if offset in {'Z', 'z', 'UTC'} else offset}")
    counted = number(value, name)
    per_second = next((unit for below, unit in _UNITS if abs(counted) < below), _UNITS[-1][1])
    return _EPOCH + timedelta(microseconds=int(counted * 10**6 / per_second))


def status(value: object, name: str) -> str:
    """Return `ok` for what programs call a success, and every other status as it is. Raises Unclear."""
    said = text(value, name).strip()
    return "ok" if said.lower() in _SUCCESS else said


def factor(value: object, name: str) -> Decimal:
    """Return a cost factor, without the zeros that databases write after it. Raises Unclear."""
    return number(value, name).normalize()


def key_hash(value: object) -> str:
    """Return the digest of an API key; a digest that stands there already, as it is. Raises Unclear."""
    return as_digest(text(value, "api_key"))


def json_object(value: object) -> dict[str, Any]:
    """Return an object that stands in a cell, as JSON or as such; an empty one where there is none."""
    if isinstance(value, (str, bytes)):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}
