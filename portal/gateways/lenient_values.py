"""Convert values of lenient dialects to stored values, or raise UnclearValue."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from portal.rules.instants import InvalidInstant, instant_of_seconds, parse_instant
from portal.rules.metering.usage import LONGEST_LATENCY
from portal.rules.spending.pricing import MAX_TOKENS
from portal.rules.text import MAX_EMAIL, MAX_NAME, clip_line

_MOST_DIGITS = 18


class UnclearValue(ValueError):
    """A value cannot be read without a guess; the message is a sentence."""


def mapping(parent: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a member that is an object; an empty one if it is missing or not an object."""
    found = parent.get(name)
    return found if isinstance(found, dict) else {}


def first_value(*values: object) -> object:
    """Return the first of several values that is not null."""
    return next((value for value in values if value is not None), None)


def as_digits(value: object) -> int | None:
    """Return the number of a text that has digits only, at most 18; None for all other values."""
    is_digits = isinstance(value, str) and len(value) <= _MOST_DIGITS and value.isascii() and value.isdigit()
    return int(value) if is_digits else None  # type: ignore[call-overload]  # it is a text


def number_of(value: object) -> object:
    """Return a text of digits as a number, and any other value unchanged."""
    digits = as_digits(value)
    return value if digits is None else digits


def token_count(value: object, name: str) -> int:
    """Return a token count. Raises UnclearValue for any value that is not a whole number in range."""
    if value is None:
        raise UnclearValue(f"{name} is missing.")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or not 0 <= value <= MAX_TOKENS:
        raise UnclearValue(f"{name} must be a whole number from 0 to {MAX_TOKENS:,}.")
    return value


def read_instant(value: object, name: str) -> datetime:
    """Return an instant given in seconds since 1970 or as ISO 8601 with an offset. Raises UnclearValue."""
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return instant_of_seconds(value)
        return parse_instant(value)
    except InvalidInstant:
        raise UnclearValue(f"{name} is no instant.") from None


def as_latency(milliseconds: float) -> int | None:
    """Return the latency of a request; None where it is impossible, since no figure depends on it."""
    return round(milliseconds) if 0 <= milliseconds <= LONGEST_LATENCY else None


def account_names(values: Iterable[object]) -> tuple[str, ...]:
    """Return the user names and email addresses among values, in lower case, each once.

    A text that is too long for a name is left out, not cut: a cut name could be the name of another account.
    """
    names = (clip_line(value, MAX_EMAIL + 1).lower() for value in values)
    longest = ((name, MAX_EMAIL if "@" in name else MAX_NAME) for name in names)
    return tuple(dict.fromkeys(name for name, most in longest if 0 < len(name) <= most))
