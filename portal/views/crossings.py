"""What an account has been warned of."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.crossings import count_unread, crossings
from portal.db.tables import Crossing
from portal.rules.periods import Period

SHOWN = 20
"""Crossings that the bell lists."""


@dataclass(frozen=True, slots=True)
class CrossingView:
    """A budget that came to a threshold; `threshold` is in percent, and 0 for a forecast."""

    id: int
    period: Period
    threshold: int
    consumed: int
    limit: int
    crossed_at: datetime
    is_read: bool


@dataclass(frozen=True, slots=True)
class BellView:
    """How many crossings an account has not seen, and the newest ones."""

    unread: int
    crossings: tuple[CrossingView, ...]


def load_unread(session: Session, account_id: int) -> int:
    """Return how many crossings an account has not seen."""
    return count_unread(session, account_id)


def load_bell(session: Session, account_id: int) -> BellView:
    """Return what the bell shows to an account."""
    newest = crossings(session, account_id, SHOWN)
    return BellView(count_unread(session, account_id), tuple(crossing_view(row) for row in newest))


def crossing_view(row: Crossing) -> CrossingView:
    """Return what is shown of a crossing."""
    return CrossingView(
        row.id, Period(row.period), row.threshold, row.consumed, row.limit, row.crossed_at, row.read_at is not None
    )
