"""How much of what gateways report each day is not counted, or counted without tokens, and why."""

from datetime import UTC, date, datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db.sql.bulk_insert import BulkInsert
from portal.db.tables import UncountedDaily


class Uncounted(NamedTuple):
    """Counts of what a gateway reported; the names are those of the columns."""

    without_counts: int = 0
    replays: int = 0
    rejected: int = 0
    ignored: int = 0


def count_uncounted(session: Session, gateway_id: int, counts: Uncounted, now: datetime) -> None:
    """Add to what was not counted today; the database adds, so nothing concurrent is lost.

    Such batches of one gateway wait for each other from here to their commit, so this comes late in a transaction.
    """
    if any(counts):
        _ADD.run(session, [(gateway_id, now.astimezone(UTC).date(), *counts)])


_ADD = BulkInsert(
    UncountedDaily,
    ("gateway_id", "day", *Uncounted._fields),
    "ON CONFLICT (gateway_id, day) DO UPDATE SET "
    + ", ".join(f"{name} = uncounted_daily.{name} + excluded.{name}" for name in Uncounted._fields),
)


def uncounted_since(session: Session, gateway_id: int, first: date) -> Uncounted:
    """Return what became of what a gateway reported from a day (UTC) on."""
    sums = (func.coalesce(func.sum(getattr(UncountedDaily, name)), 0) for name in Uncounted._fields)
    wanted = UncountedDaily.gateway_id == gateway_id, UncountedDaily.day >= first
    return Uncounted(*map(int, session.execute(select(*sums).where(*wanted)).one()))
