"""Why events of gateways could not be taken: one row for each reason, so that a noisy one hides no other."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal.db.sql.upsert import insert
from portal.db.tables import RejectedReason
from portal.rules.usage import Rejected, reason_group

KEPT = 100
"""Reasons that are kept of each gateway; the one that was seen least recently goes first."""


def note_rejected(session: Session, gateway_id: int, rejected: Sequence[Rejected], now: datetime) -> None:
    """Count rejected events by their reason, each with the id of the newest one that had any."""
    groups: dict[str, list[Rejected]] = {}
    for each in rejected:
        groups.setdefault(reason_group(each.reason), []).append(each)
    for reason in sorted(groups):  # no two batches wait for each other in a ring
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
    """Return why a gateway's events were rejected, the reason that was seen last first."""
    wanted = select(RejectedReason).where(RejectedReason.gateway_id == gateway_id)
    return list(session.scalars(wanted.order_by(RejectedReason.last_at.desc(), RejectedReason.reason)))
