"""The audit log: who changed what."""

import json
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import AuditEntry
from portal.rules.actors import Actor


def add_entry(
    session: Session,
    actor: Actor,
    action: str,
    now: datetime,
    *,
    account_id: int | None = None,
    **details: object,
) -> None:
    """Write down that `actor` did `action` to an account, and from which address; `details` must not hold secrets."""
    if actor.address is not None:
        details["address"] = actor.address
    text = json.dumps(details, sort_keys=True, default=str)
    session.add(AuditEntry(at=now, actor=str(actor)[:80], action=action, account_id=account_id, details=text))


def entries(session: Session, account_id: int, limit: int = 100) -> list[AuditEntry]:
    """Return what was done to an account, newest first."""
    return list(
        session.scalars(
            select(AuditEntry).where(AuditEntry.account_id == account_id).order_by(AuditEntry.id.desc()).limit(limit)
        )
    )
