"""The audit log: the changes that were made, with their actors.

Decision: triggers of the database refuse to change and to delete entries. Two functions here make an exception, which
no other transaction sees: `remove_old_entries` for entries that are older than their retention, and `erasing` for the
personal data of an account that is deleted. A migration must not copy the table, which would lose the triggers.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.db.tables import AuditEntry, AuditPruning
from portal.errors import OnlyLooking
from portal.rules.audit import changed_fields
from portal.rules.people.actors import Actor, Means

_MARK = 1


def add_entry(
    session: Session,
    actor: Actor,
    action: str,
    now: datetime,
    *,
    account_id: int | None = None,
    target: str | None = None,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    **details: object,
) -> None:
    """Store that `actor` did `action` to a target, by default to an account; no value may be a secret.

    `target` is `kind:name`. Of `before` and `after` the fields that differ are stored; one of them is None if something
    is created or removed. `details` are other facts, such as a number of ended sessions.

    Raises OnlyLooking for an administrator who acts as a person, which undoes the change.
    """
    if actor.means is Means.ACTING:
        raise OnlyLooking
    if target is None and account_id is not None:
        target = f"account:{account_id}"
    old, new = changed_fields(before, after)
    session.add(
        AuditEntry(
            at=now,
            actor=str(actor)[:80],
            actor_id=actor.account_id,
            means=actor.means.value,
            action=action,
            account_id=account_id,
            target=None if target is None else target[:200],
            address=None if actor.address is None else actor.address[:64],
            before=_json(old),
            after=_json(new),
            details=_json(details) or "{}",
        )
    )


def _json(values: Mapping[str, object] | None) -> str | None:
    return None if values is None else json.dumps(values, sort_keys=True, default=str)


def remove_old_entries(session: Session, before: datetime, limit: int) -> int:
    """Delete the oldest entries before an instant, at most `limit`; return their number."""
    old = select(AuditEntry.id).where(AuditEntry.at < before).order_by(AuditEntry.at, AuditEntry.id).limit(limit)
    ids = list(session.scalars(old))
    if ids:
        with _exception(session, before_at=before):
            session.execute(delete(AuditEntry).where(AuditEntry.id.in_(ids)))
    return len(ids)


@contextmanager
def erasing(session: Session, account_id: int) -> Iterator[None]:
    """Let this transaction erase the personal data of an account in entries; id, time, action and ids stay."""
    with _exception(session, erased_id=account_id):
        yield


@contextmanager
def _exception(session: Session, **values: Any) -> Iterator[None]:
    session.flush()
    session.execute(AuditPruning.__table__.insert().values(id=_MARK, **values))  # type: ignore[attr-defined]
    yield
    session.flush()
    session.execute(delete(AuditPruning))
