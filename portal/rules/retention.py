"""How long the portal keeps what no sum depends on."""

from datetime import datetime, timedelta
from enum import StrEnum


class Kept(StrEnum):
    """Data that are removed when they are old."""

    AUDIT = "audit"
    MAILS = "mail"
    HELD = "held"


def removed_before(days: int, now: datetime) -> datetime:
    """Return the instant before which data are removed that stay for a number of days."""
    return now - timedelta(days)
