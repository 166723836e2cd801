"""Imports: how far they have come, and the rows that they look up and store."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from portal.db.sql.text_list import among
from portal.db.sql.upsert import insert
from portal.db.tables import Account, ApiKey, Budget, ImportedAccount, ImportProgress, Note, UsageEvent


class Progress(NamedTuple):
    """The importer's own mark of how far it has come, and how many rows of the source lie behind it."""

    position: str
    rows: int


def import_progress(session: Session, source: str) -> Progress | None:
    """Return how far the import of a source has come; None before it has stored anything."""
    row = session.get(ImportProgress, source)
    return None if row is None else Progress(row.position, row.rows)


def note_import_progress(session: Session, source: str, progress: Progress, now: datetime) -> None:
    """Note how far an import has come, in the transaction that stores the rows."""
    values = {"position": progress.position, "rows": progress.rows, "updated_at": now}
    session.execute(
        insert(session, ImportProgress)
        .values(source=source, **values)
        .on_conflict_do_update(index_elements=["source"], set_=values)
    )


def remember_person(session: Session, gateway_id: int, person: str, account_id: int) -> None:
    """Note which account a person of another system is; `person` is the digest of their id there."""
    known = session.get(ImportedAccount, (gateway_id, person))
    if known is None:
        session.add(ImportedAccount(gateway_id=gateway_id, person=person, account_id=account_id))
    else:
        known.account_id = account_id


def deleted_account_of(session: Session, gateway_id: int, person: str, key_hashes: Iterable[str]) -> Account | None:
    """Return the deleted account that a person of another system had become, or that has one of their keys."""
    become = select(ImportedAccount.account_id).where(
        ImportedAccount.gateway_id == gateway_id, ImportedAccount.person == person
    )
    owners = select(ApiKey.account_id).where(ApiKey.key_hash.in_(list(key_hashes)))
    deleted = select(Account).where(Account.deleted_at.is_not(None))
    return session.scalar(deleted.where(or_(Account.id.in_(become), Account.id.in_(owners))).limit(1))


def key_with_hash(session: Session, key_hash: str) -> ApiKey | None:
    """Return the key that has this SHA-256, whoever owns it and whether it works or not."""
    return session.scalar(select(ApiKey).where(ApiKey.key_hash == key_hash))


def has_limits(session: Session, account_id: int) -> bool:
    """Say whether somebody has decided here what an account may spend, be it without a limit."""
    return session.get(Budget, account_id) is not None


def add_notes(session: Session, gateway_id: int, notes: Mapping[str, str], now: datetime) -> dict[str, bool]:
    """Store notes on a gateway's requests, by their ids there, as notes of the requests' accounts.

    Return the ids of the requests that exist, and whether they had no note before; an existing note stays. Requests of
    deleted accounts get none.
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
