"""Values of MoE Sovereign's tables."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from portal.rules.instants import parse_utc_instant

SourceRow = Mapping[Any, Any]


def as_utc(value: object) -> datetime:
    """Return an instant; without an offset it is UTC. Raises InvalidInstant."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)
    return parse_utc_instant(value)
