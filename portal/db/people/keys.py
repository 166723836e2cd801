"""API keys."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import BindParameter, ColumnElement, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from portal.db.tables import Account, ApiKey

MOST_KEYS = 200
"""Keys that one account may have, revoked and expired keys not counted."""


def keys(session: Session, account_id: int) -> list[ApiKey]:
    """Return an account's keys: the usable ones first, then newest first."""
    return list(
        session.scalars(
            select(ApiKey)
            .where(ApiKey.account_id == account_id)
            .order_by(ApiKey.revoked_at.is_not(None), ApiKey.created_at.desc(), ApiKey.id.desc())
        )
    )


def active_keys(session: Session, account_id: int, now: datetime) -> list[ApiKey]:
    """Return the keys that work at `now`, last used first, never used ones last."""
    return list(
        session.scalars(
            select(ApiKey)
            .where(ApiKey.account_id == account_id, *usable(now))
            .order_by(ApiKey.last_used_at.is_(None), ApiKey.last_used_at.desc(), ApiKey.id.desc())
        )
    )


def key(session: Session, account_id: int, key_id: int) -> ApiKey | None:
    """Return one of an account's own keys."""
    return session.scalar(select(ApiKey).where(ApiKey.id == key_id, ApiKey.account_id == account_id))


def working_key(session: Session, key_hash: str, now: datetime) -> ApiKey | None:
    """Return the key that has this SHA-256, if it works at `now` and its account is active."""
    owner = select(ApiKey).join(Account, Account.id == ApiKey.account_id)
    return session.scalar(owner.where(ApiKey.key_hash == key_hash, Account.active, *usable(now)))


def matching_keys(session: Session, account_id: int, text: str) -> list[int]:
    """Return the ids of an account's keys with `text` in label or prefix, in upper or lower case.

    The comparison is in Python, since SQLite ignores the case of ASCII letters only; an account has few keys.
    """
    wanted = unicodedata.normalize("NFC", text).casefold()
    rows = session.execute(select(ApiKey.id, ApiKey.label, ApiKey.prefix).where(ApiKey.account_id == account_id))
    return [row.id for row in rows if wanted in row.label.casefold() or wanted in row.prefix.casefold()]


def count_usable_keys(session: Session, account_id: int, now: datetime) -> int:
    """Return how many keys of an account work at `now`."""
    return session.scalar(select(func.count()).where(ApiKey.account_id == account_id, *usable(now))) or 0


def add_key(
    session: Session,
    account_id: int,
    key_hash: str,
    prefix: str,
    label: str,
    expires_at: datetime | None,
    now: datetime,
) -> ApiKey:
    """Store a new key by its digest."""
    row = ApiKey(
        account_id=account_id, key_hash=key_hash, prefix=prefix, label=label, expires_at=expires_at, created_at=now
    )
    session.add(row)
    session.flush()
    return row


def note_last_use(session: Session, uses: Mapping[int, datetime]) -> None:
    """Store a later last use of keys; an earlier one is ignored. The order of ids prevents deadlocks."""
    rows = [{"key": key_id, "at": used_at} for key_id, used_at in sorted(uses.items())]
    if rows:
        session.connection().execute(_NOTE_LAST_USE, rows)


_NOTE_LAST_USE = (
    update(ApiKey.__table__)  # type: ignore[arg-type]  # a table, not any FROM clause
    .where(ApiKey.id == bindparam("key"), or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < bindparam("at")))
    .values(last_used_at=bindparam("at"))
)


def note_use(session: Session, key_id: int, now: datetime, every: timedelta) -> None:
    """Store that a key is used now, unless that was stored less than `every` ago."""
    session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id, or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= now - every))
        .values(last_used_at=now)
    )


def usable(now: datetime | BindParameter[datetime]) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions under which a key works at `now`, which may be a parameter (`rules.people.keys`)."""
    return ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now)
