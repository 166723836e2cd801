"""What lenient dialects say, made into the values we keep, or found to be unclear."""

import math
from datetime import UTC, datetime
from typing import Any

from portal.rules.instants import parse_instant
from portal.rules.pricing import MAX_TOKENS
from portal.rules.usage import LONGEST_LATENCY

_MOST_DIGITS = 18


class Unclear(ValueError):
    """What was said cannot be understood; the message is a sentence."""


def mapping(parent: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the object that is a member of another one; an empty one where there is none."""
    found = parent.get(name)
    return found if isinstance(found, dict) else {}


def first_said(*said: object) -> object:
    """Return the first of several values that is not null."""
    return next((value for value in said if value is not None), None)


def as_digits(said: object) -> int | None:
    """Return the number that a text of digits alone is, of 18 at most; None for all else."""
    is_digits = isinstance(said, str) and len(said) <= _MOST_DIGITS and said.isascii() and said.isdigit()
    return int(said) if is_digits else None  # type: ignore[call-overload]  # a text, as was asked


def token_count(said: object, name: str) -> int:
    """Return a token count, which is never guessed. Raises Unclear."""
    if said is None:
        raise Unclear(f"{name} is missing.")
    if isinstance(said, float) and said.is_integer():
        said = int(said)
    if type(said) is not int or not 0 <= said <= MAX_TOKENS:
        raise Unclear(f"{name} must be a whole number from 0 to {MAX_TOKENS:,}.")
    return said


def instant(said: object, name: str) -> datetime:
    """Return an instant given in seconds since 1970 or as ISO 8601 with an offset. Raises Unclear."""
    try:
        if isinstance(said, str):
            return parse_instant(said)
        if isinstance(said, (int, float)) and not isinstance(said, bool) and math.isfinite(said):
            return datetime.fromtimestamp(said, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise Unclear(f"{name} is no instant.")


def latency(milliseconds: float) -> int | None:
    """Return how long a request took; None where that makes no sense, since nothing depends on it."""
    return round(milliseconds) if 0 <= milliseconds <= LONGEST_LATENCY else None
