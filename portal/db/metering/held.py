"""Held events: their key is unknown, or their id is that of another event with different content."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from portal.db.sql.bulk_insert import BulkInsert
from portal.db.sql.text_list import among
from portal.db.tables import Gateway, HeldEvent
from portal.rules.metering.usage import is_repeated

_CHUNK = 400


class NewHeld(NamedTuple):
    """An event to hold; `body` has digests in place of secrets."""

    gateway_id: int
    external_id: str
    fingerprint: str
    reason: str
    body: str
    requested_at: datetime
    received_at: datetime


def hold_events(session: Session, held: Sequence[NewHeld]) -> None:
    """Store events that cannot be counted; an event that is held already only gets the new reason."""
    _HOLD.run(session, held)


_HOLD = BulkInsert(
    HeldEvent,
    NewHeld._fields,
    "ON CONFLICT (gateway_id, external_id, fingerprint) DO UPDATE SET reason = excluded.reason, resolved_at = NULL "
    "WHERE held_events.reason <> excluded.reason",
)


def release_events(session: Session, gateway_id: int, stored: Mapping[str, str], now: datetime) -> None:
    """Mark held events as settled after they were stored; `stored` are the fingerprints of stored events by id.

    Events that are held under the same id with different content become conflicts.
    """
    connection = session.connection()
    waiting = connection.execute(_WAITING, {"gateway": gateway_id, "ids": list(stored)}).all()
    same = [row.id for row in waiting if is_repeated(row.fingerprint, stored[row.external_id])]
    other = [row.id for row in waiting if not is_repeated(row.fingerprint, stored[row.external_id])]
    for ids, change in ((same, {"resolved_at": now}), (other, {"reason": "conflict"})):
        for start in range(0, len(ids), _CHUNK):
            some = HeldEvent.id.in_(ids[start : start + _CHUNK])
            connection.execute(update(HeldEvent).where(some).values(change))


_WAITING = (
    select(HeldEvent.id, HeldEvent.external_id, HeldEvent.fingerprint)
    .where(
        HeldEvent.gateway_id == bindparam("gateway"),
        among(HeldEvent.external_id, "ids"),
        HeldEvent.reason == "unattributed",
        HeldEvent.resolved_at.is_(None),
    )
    .order_by(HeldEvent.id)
    .with_for_update()
)


def count_held_of(session: Session, gateway_id: int, most: int) -> dict[str, int]:
    """Return how many of a gateway's events are held and unsettled, by reason, counted up to `most`."""
    some = (
        select(HeldEvent.reason)
        .where(HeldEvent.gateway_id == gateway_id, HeldEvent.resolved_at.is_(None))
        .limit(most)
        .subquery()
    )
    return {row[0]: row[1] for row in session.execute(select(some.c.reason, func.count()).group_by(some.c.reason))}


def newest_held_of(session: Session, gateway_id: int) -> HeldEvent | None:
    """Return the unsettled held event of a gateway that arrived last."""
    wanted = select(HeldEvent).where(HeldEvent.gateway_id == gateway_id, HeldEvent.resolved_at.is_(None))
    return session.scalar(wanted.order_by(HeldEvent.received_at.desc(), HeldEvent.id.desc()).limit(1))


def held_events(session: Session) -> list[tuple[HeldEvent, str]]:
    """Return the held events that are not settled with the names of their gateways, newest first; at most 1,000."""
    query = select(HeldEvent, Gateway.name).join(Gateway, Gateway.id == HeldEvent.gateway_id)
    waiting = query.where(HeldEvent.resolved_at.is_(None)).order_by(HeldEvent.id.desc()).limit(1000)
    return [(row[0], row[1]) for row in session.execute(waiting)]


def held_body(session: Session, held_id: int) -> str | None:
    """Return the report of a held event as JSON, with digests in place of secrets."""
    return session.scalar(select(HeldEvent.body).where(HeldEvent.id == held_id))


def held_event(session: Session, held_id: int) -> HeldEvent | None:
    """Return a held event and lock it until the transaction ends."""
    return session.scalar(select(HeldEvent).where(HeldEvent.id == held_id).with_for_update())


def remove_old_held(session: Session, before: datetime, limit: int) -> int:
    """Delete the oldest held events that arrived before an instant, at most `limit`; return their number."""
    old = select(HeldEvent.id).where(HeldEvent.received_at < before).order_by(HeldEvent.received_at).limit(limit)
    ids = list(session.scalars(old))
    session.execute(delete(HeldEvent).where(HeldEvent.id.in_(ids)))
    return len(ids)
