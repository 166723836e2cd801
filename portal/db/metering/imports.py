"""Imports: their progress, and queries that only imports need."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from portal.db.sql.text_list import among
from portal.db.sql.upsert import insert, upsert
from portal.db.tables import Account, ApiKey, Budget, ImportedAccount, ImportProgress, Note, UsageEvent


class Progress(NamedTuple):
    """The position of an import, in a format of the importer, and the number of rows it has read."""

    position: str
    rows: int


def import_progress(session: Session, source: str) -> Progress | None:
    """Return the progress of the import of a source; None before it has stored anything."""
    row = session.get(ImportProgress, source)
    return None if row is None else Progress(row.position, row.rows)


def note_import_progress(session: Session, source: str, progress: Progress, now: datetime) -> None:
    """Store the progress of an import, in the transaction that stores the rows."""
    values = {"position": progress.position, "rows": progress.rows, "updated_at": now}
    upsert(session, ImportProgress, {"source": source}, values)


def remember_person(session: Session, gateway_id: int, person: str, account_id: int) -> None:
    """Store the account of a person of another system; `person` is the digest of the person's id there."""
    known = session.get(ImportedAccount, (gateway_id, person))
    if known is None:
        session.add(ImportedAccount(gateway_id=gateway_id, person=person, account_id=account_id))
    else:
        known.account_id = account_id


def deleted_account_of(session: Session, gateway_id: int, person: str, key_hashes: Iterable[str]) -> Account | None:
    """Return the deleted account of a person of another system, or an account that has one of the person's keys."""
    become = select(ImportedAccount.account_id).where(
        ImportedAccount.gateway_id == gateway_id, ImportedAccount.person == person
    )
    owners = select(ApiKey.account_id).where(ApiKey.key_hash.in_(list(key_hashes)))
    deleted = select(Account).where(Account.deleted_at.is_not(None))
    return session.scalar(deleted.where(or_(Account.id.in_(become), Account.id.in_(owners))).limit(1))


def key_with_hash(session: Session, key_hash: str) -> ApiKey | None:
    """Return the key with this SHA-256, also a revoked or expired one."""
    return session.scalar(select(ApiKey).where(ApiKey.key_hash == key_hash))


def has_limits(session: Session, account_id: int) -> bool:
    """Return whether an account has a budget here, even one without limits."""
    return session.get(Budget, account_id) is not None


def add_notes(session: Session, gateway_id: int, notes: Mapping[str, str], now: datetime) -> dict[str, bool]:
    """Store notes on the requests of a gateway; `notes` are texts by the id of the request.

    Returns the ids of the requests that exist, with True where the note is new; an existing note stays. Requests of
    deleted accounts get no note.
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


_EVENTS = (
    select(UsageEvent.id, UsageEvent.external_id, UsageEvent.account_id)
    .join(Account, Account.id == UsageEvent.account_id)
    .where(
        UsageEvent.gateway_id == bindparam("gateway"),
        among(UsageEvent.external_id, "ids"),
        Account.deleted_at.is_(None),
    )
)
