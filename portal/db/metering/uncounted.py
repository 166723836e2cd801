"""Reported events that are not counted, or have unknown tokens: their number by day, and the reasons of rejection.

Rejected events have one row for each reason, so that a frequent reason does not hide the others.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal.db.sql.bulk_insert import BulkInsert
from portal.db.sql.upsert import insert
from portal.db.tables import RejectedReason, UncountedDaily
from portal.rules.metering.usage import Rejected, reason_group

KEPT = 100
"""Reasons that are kept for each gateway; the reason that was seen longest ago is deleted first."""


class Uncounted(NamedTuple):
    """Counts of what a gateway reported; the names are those of the columns."""

    without_counts: int = 0
    replays: int = 0
    rejected: int = 0
    ignored: int = 0


def count_uncounted(session: Session, gateway_id: int, counts: Uncounted, now: datetime) -> None:
    """Add to the counts of today; the database adds, so that concurrent batches lose nothing.

    Such batches of one gateway wait for each other from here to their commit, so call this late in a transaction.
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
    """Return the counts of a gateway from a day (UTC) on."""
    sums = (func.coalesce(func.sum(getattr(UncountedDaily, name)), 0) for name in Uncounted._fields)
    wanted = UncountedDaily.gateway_id == gateway_id, UncountedDaily.day >= first
    return Uncounted(*map(int, session.execute(select(*sums).where(*wanted)).one()))


def note_rejected(session: Session, gateway_id: int, rejected: Sequence[Rejected], now: datetime) -> None:
    """Count rejected events by reason; each reason keeps the id of its newest event that has an id."""
    groups: dict[str, list[Rejected]] = {}
    for each in rejected:
        groups.setdefault(reason_group(each.reason), []).append(each)
    for reason in sorted(groups):  # the order prevents deadlocks between batches
        _add(session, gateway_id, reason, groups[reason], now)
    if groups:
        kept = select(RejectedReason.reason).where(RejectedReason.gateway_id == gateway_id)
        newest = kept.order_by(RejectedReason.last_at.desc(), RejectedReason.reason).limit(KEPT)
        wanted = RejectedReason.gateway_id == gateway_id, RejectedReason.reason.not_in(newest)
        session.execute(delete(RejectedReason).where(*wanted).execution_options(synchronize_session=False))


def _add(session: Session, gateway_id: int, reason: str, events: Iterable[Rejected], now: datetime) -> None:
    events = list(events)
    example = next((each.id for each in reversed(events) if each.id), None)
    new = insert(session, RejectedReason).values(
        gateway_id=gateway_id, reason=reason, count=len(events), first_at=now, last_at=now, example_id=example
    )
    changes = {
        "count": RejectedReason.count + new.excluded.count,
        "last_at": new.excluded.last_at,
        "example_id": func.coalesce(new.excluded.example_id, RejectedReason.example_id),
    }
    session.execute(new.on_conflict_do_update(index_elements=["gateway_id", "reason"], set_=changes))


def rejected_reasons(session: Session, gateway_id: int) -> list[RejectedReason]:
    """Return the reasons of rejection of a gateway, the last seen reason first."""
    wanted = select(RejectedReason).where(RejectedReason.gateway_id == gateway_id)
    return list(session.scalars(wanted.order_by(RejectedReason.last_at.desc(), RejectedReason.reason)))
