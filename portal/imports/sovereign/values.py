"""Values of MoE Sovereign's tables."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeGuard

from portal.rules.instants import parse_utc_instant
from portal.rules.text import clip_line

Row = Mapping[Any, Any]


def instant(value: object) -> datetime:
    """Return an instant; without an offset it is UTC. Raises InvalidInstant."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)
    return parse_utc_instant(value)


def line(value: object, longest: int) -> str:
    """Return `clip_line` of a value; without calling it for plain text, which most values are."""
    return value if is_plain(value) and len(value) <= longest else clip_line(value, longest)


def is_plain(value: object) -> TypeGuard[str]:
    """Say whether a value is printable ASCII text without spaces around it."""
    return isinstance(value, str) and value.isascii() and value.isprintable() and value == value.strip()
