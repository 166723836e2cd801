"""What imports look up and store that nothing else does: what is here already, and notes on the requests they bring."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from portal.db.among import among
from portal.db.tables import ApiKey, Budget, Note, UsageEvent
from portal.db.upserts import insert


def key_with_hash(session: Session, key_hash: str) -> ApiKey | None:
    """Return the key that has this SHA-256, whoever owns it and whether it works or not."""
    return session.scalar(select(ApiKey).where(ApiKey.key_hash == key_hash))


def has_limits(session: Session, account_id: int) -> bool:
    """Say whether somebody has decided here what an account may spend, be it without a limit."""
    return session.get(Budget, account_id) is not None


def add_notes(session: Session, gateway_id: int, notes: Mapping[str, str], now: datetime) -> dict[str, bool]:
    """Store notes on a gateway's requests, by their ids there, as notes of the requests' accounts.

    Return the ids of the requests there are, and whether they had no note before; one that is there stays.
    """
    rows = session.execute(_EVENTS, {"gateway": gateway_id, "ids": list(notes)}).all()
    values = [
        {"usage_id": row.id, "account_id": row.account_id, "text": notes[row.external_id], "updated_at": now}
        for row in rows
    ]
    if not values:
        return {}
    added = insert(session, Note).values(values).on_conflict_do_nothing(index_elements=["usage_id"])
    new = set(session.scalars(added.returning(Note.usage_id)))
    return {row.external_id: row.id in new for row in rows}


_EVENTS = select(UsageEvent.id, UsageEvent.external_id, UsageEvent.account_id).where(
    UsageEvent.gateway_id == bindparam("gateway"), among(UsageEvent.external_id, "ids")
)
