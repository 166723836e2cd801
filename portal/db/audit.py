"""The audit log: the changes that were made, with their actors."""

import json
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.tables import AuditEntry
from portal.errors import OnlyLooking
from portal.rules.people.actors import Actor, Means


def add_entry(
    session: Session,
    actor: Actor,
    action: str,
    now: datetime,
    *,
    account_id: int | None = None,
    **details: object,
) -> None:
    """Store that `actor` did `action` to an account, with the actor's address; `details` must not hold secrets.

    Raises OnlyLooking for an administrator who acts as a person, which undoes the change.
    """
    if actor.means is Means.ACTING:
        raise OnlyLooking
    if actor.address is not None:
        details["address"] = actor.address
    text = json.dumps(details, sort_keys=True, default=str)
    session.add(AuditEntry(at=now, actor=str(actor)[:80], action=action, account_id=account_id, details=text))
