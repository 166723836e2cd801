"""What gateways sent that is no usage event: the newest rejected ones with their reasons, and how many there were."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal.db.tables import RejectedEvent, UncountedDaily
from portal.db.upserts import insert
from portal.rules.usage import Rejected

KEPT = 100
"""Rejected events that are kept of each gateway; all are counted."""


class Uncounted(NamedTuple):
    """How many events of a gateway were rejected, and how many of its spans were about something else than usage."""

    rejected: int
    ignored: int


def note_uncounted(
    session: Session, gateway_id: int, rejected: Sequence[Rejected], ignored: int, now: datetime
) -> None:
    """Count what a batch held besides usage events, and keep the reasons of what was rejected."""
    if not rejected and not ignored:
        return
    sums = {"rejected": UncountedDaily.rejected + len(rejected), "ignored": UncountedDaily.ignored + ignored}
    session.execute(
        insert(session, UncountedDaily)
        .values(gateway_id=gateway_id, day=now.astimezone(UTC).date(), rejected=len(rejected), ignored=ignored)
        .on_conflict_do_update(index_elements=["gateway_id", "day"], set_=sums)
    )
    session.add_all(
        RejectedEvent(gateway_id=gateway_id, external_id=each.id, reason=each.reason, received_at=now)
        for each in rejected[-KEPT:]
    )
    if rejected:
        session.flush()
        oldest = select(RejectedEvent.id).where(RejectedEvent.gateway_id == gateway_id)
        too_many = oldest.order_by(RejectedEvent.id.desc()).offset(KEPT).limit(1).scalar_subquery()
        session.execute(
            delete(RejectedEvent).where(RejectedEvent.gateway_id == gateway_id, RejectedEvent.id <= too_many)
        )


def rejected_events(session: Session, gateway_id: int) -> list[RejectedEvent]:
    """Return what is kept of a gateway's rejected events, newest first."""
    wanted = select(RejectedEvent).where(RejectedEvent.gateway_id == gateway_id)
    return list(session.scalars(wanted.order_by(RejectedEvent.id.desc())))


def uncounted_since(session: Session, gateway_id: int, first: date) -> Uncounted:
    """Return what was not counted of a gateway's events from a day (UTC) on."""
    sums = func.coalesce(func.sum(UncountedDaily.rejected), 0), func.coalesce(func.sum(UncountedDaily.ignored), 0)
    wanted = UncountedDaily.gateway_id == gateway_id, UncountedDaily.day >= first
    rejected, ignored = session.execute(select(*sums).where(*wanted)).one()
    return Uncounted(int(rejected), int(ignored))
