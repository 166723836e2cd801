"""Held events, which were reported and could not be counted, for operators."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.metering.held import held_event, held_events
from portal.errors import NotFound
from portal.rules.messages import message


@dataclass(frozen=True, slots=True)
class HeldView:
    """A held event, with the name of the gateway that reported it."""

    number: int
    gateway: str
    id: str
    reason: str
    requested_at: datetime
    settled_at: datetime | None


def load_held(session: Session, *, settled: bool = False) -> tuple[HeldView, ...]:
    """Return the newest 1,000 held events, newest first; with `settled` also settled ones."""
    return tuple(
        HeldView(row.id, gateway, row.external_id, row.reason, row.requested_at, row.resolved_at)
        for row, gateway in held_events(session, settled=settled)
    )


def load_held_body(session: Session, number: int) -> str:
    """Return the reported event as JSON, with digests in place of API keys. Raises NotFound."""
    found = held_event(session, number)
    if found is None:
        raise NotFound(message("No event is held under the number {held_id}.", held_id=str(number)))
    return found.body
