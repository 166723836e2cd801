"""An account's API keys."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.people.keys import active_keys, key, keys
from portal.db.tables import ApiKey
from portal.errors import NotFound
from portal.rules.messages import message
from portal.rules.people.keys import KeyStatus, key_status
from portal.views.rows import view_of


@dataclass(frozen=True, slots=True)
class KeyView:
    """An API key; `prefix` is its first 16 characters, the only part that is stored."""

    id: int
    prefix: str
    label: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    status: KeyStatus


@dataclass(frozen=True, slots=True)
class KeysView:
    """All keys of an account: usable keys first, newest first."""

    keys: tuple[KeyView, ...]


def load_keys(session: Session, account_id: int, now: datetime) -> KeysView:
    """Return all of an account's keys, also expired and revoked ones."""
    views = [key_view(row, now) for row in keys(session, account_id)]
    return KeysView(tuple(sorted(views, key=lambda view: view.status is not KeyStatus.ACTIVE)))


def load_key(session: Session, account_id: int, key_id: int, now: datetime) -> KeyView:
    """Return one of an account's own keys. Raises NotFound."""
    row = key(session, account_id, key_id)
    if row is None:
        raise NotFound(message("You have no such key."))
    return key_view(row, now)


def load_active_keys(session: Session, account_id: int, now: datetime) -> tuple[KeyView, ...]:
    """Return the usable keys, last used first."""
    return tuple(key_view(row, now) for row in active_keys(session, account_id, now))


def key_view(row: ApiKey, now: datetime) -> KeyView:
    """Return a key with its status at `now`."""
    return view_of(KeyView, row, status=key_status(row.expires_at, row.revoked_at, now))
