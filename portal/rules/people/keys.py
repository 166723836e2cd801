"""Status and expiry of API keys."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from portal.rules.periods import day_of, end_of_day

LIFETIMES = (30, 90, 365)
"""Days that the form offers; it also offers no end, and a date."""
SOON = timedelta(days=14)
"""A key is shown as about to expire for this long before its end."""
NOTED_EVERY = timedelta(minutes=1)
"""Precision of the last use of a key; a write for every request would cost more than the answer."""


class KeyStatus(StrEnum):
    """Whether a key works."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


def key_status(expires_at: datetime | None, revoked_at: datetime | None, now: datetime) -> KeyStatus:
    """Return whether a key works at `now`; `db.people.keys.usable` is the same condition in SQL."""
    if revoked_at is not None:
        return KeyStatus.REVOKED
    is_over = expires_at is not None and expires_at <= now
    return KeyStatus.EXPIRED if is_over else KeyStatus.ACTIVE


def last_day_after(days: int, now: datetime, tz: ZoneInfo) -> date:
    """Return the last day of `tz` on which a key works that lasts for `days` days after today."""
    return day_of(now, tz) + timedelta(days)


def expires_after(last_day: date, tz: ZoneInfo) -> datetime:
    """Return the instant (UTC) at which a key stops working: the end of its last day."""
    return end_of_day(last_day, tz)


def last_day(expires_at: datetime, tz: ZoneInfo) -> date:
    """Return the last day of `tz` on which a key works, even if only for a part of that day."""
    return day_of(expires_at - timedelta(microseconds=1), tz)


def expires_soon(expires_at: datetime | None, now: datetime) -> bool:
    """Return whether a key that works now will expire within two weeks."""
    return expires_at is not None and now < expires_at <= now + SOON
