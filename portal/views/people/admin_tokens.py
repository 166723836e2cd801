"""Admin tokens: the list of all, and the token of a request."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.people.admin_tokens import TokenOfAccount, admin_tokens, working_admin_token
from portal.rules.people.actors import Actor, Means
from portal.rules.people.keys import KeyStatus, key_status
from portal.rules.people.secrets import ADMIN_TOKEN, digest, is_secret


@dataclass(frozen=True, slots=True)
class AdminTokenView:
    """An admin token without its secret; `username` is the administrator who created it."""

    id: int
    username: str
    prefix: str
    label: str
    scopes: tuple[str, ...]
    status: KeyStatus
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class WorkingToken:
    """The token of a request: its creator as the actor of changes, and what it may do."""

    id: int
    account_id: int
    label: str
    scopes: tuple[str, ...]
    last_used_at: datetime | None

    def actor(self, address: str | None) -> Actor:
        """Return the actor of changes that a program at `address` makes with this token."""
        return Actor(Means.ADMIN_TOKEN, self.label, self.account_id, address)


def load_admin_tokens(session: Session, now: datetime) -> tuple[AdminTokenView, ...]:
    """Return all admin tokens, also those that have ended, newest first."""
    return tuple(_view(row, now) for row in admin_tokens(session))


def load_working_token(session: Session, token: str, now: datetime) -> WorkingToken | None:
    """Return the admin token of a request; None unless it works and its creator is an active administrator."""
    row = working_admin_token(session, digest(token), now) if is_secret(token, ADMIN_TOKEN) else None
    if row is None:
        return None
    return WorkingToken(row.id, row.account_id, row.label, tuple(row.scopes.split()), row.last_used_at)


def _view(found: TokenOfAccount, now: datetime) -> AdminTokenView:
    row = found.token
    return AdminTokenView(
        id=row.id,
        username=found.username,
        prefix=row.prefix,
        label=row.label,
        scopes=tuple(row.scopes.split()),
        status=key_status(row.expires_at, row.revoked_at, now),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
