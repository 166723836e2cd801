"""Events that are held back: whose key is unknown, or whose id came before with other content."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from portal.db.among import among
from portal.db.tables import Gateway, HeldEvent
from portal.db.upserts import insert

_CHUNK = 400


def hold_events(session: Session, held: Sequence[dict[str, Any]]) -> None:
    """Keep events that cannot be counted; one that is held already stays, but may turn out to be a conflict."""
    for start in range(0, len(held), _CHUNK):
        statement = insert(session, HeldEvent).values(held[start : start + _CHUNK])
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["gateway_id", "external_id", "fingerprint"],
                set_={"reason": statement.excluded.reason, "resolved_at": None},
                where=HeldEvent.reason != statement.excluded.reason,
            )
        )


def release_events(session: Session, gateway_id: int, stored: Mapping[str, str], now: datetime) -> None:
    """Mark held events as settled, now that they have been `stored`: fingerprints by id.

    What is held under the same id with other content contradicts the stored one from now on.
    """
    connection = session.connection()
    for row in connection.execute(_WAITING, {"gateway": gateway_id, "ids": list(stored)}).all():
        settled = {"resolved_at": now} if row.fingerprint == stored[row.external_id] else {"reason": "conflict"}
        connection.execute(update(HeldEvent).where(HeldEvent.id == row.id).values(settled))


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


def count_held(session: Session) -> dict[str, int]:
    """Return how many events are held and unsettled, by reason."""
    rows = session.execute(
        select(HeldEvent.reason, func.count()).where(HeldEvent.resolved_at.is_(None)).group_by(HeldEvent.reason)
    )
    return {row[0]: row[1] for row in rows}


def held_events(session: Session, *, settled: bool = False, limit: int = 1000) -> list[tuple[HeldEvent, str]]:
    """Return held events with the names of their gateways, newest first; the `settled` ones only when asked for."""
    query = select(HeldEvent, Gateway.name).join(Gateway, Gateway.id == HeldEvent.gateway_id)
    if not settled:
        query = query.where(HeldEvent.resolved_at.is_(None))
    return [(row[0], row[1]) for row in session.execute(query.order_by(HeldEvent.id.desc()).limit(limit))]


def held_event(session: Session, held_id: int) -> HeldEvent | None:
    """Return a held event, which nobody else settles meanwhile."""
    return session.scalar(select(HeldEvent).where(HeldEvent.id == held_id).with_for_update())
