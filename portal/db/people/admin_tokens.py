"""Admin tokens, with which programs administer the portal."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from portal.db.tables import Account, AdminToken


class TokenOfAccount(NamedTuple):
    """A token and the user name of the administrator who created it."""

    token: AdminToken
    username: str


def add_admin_token(
    session: Session,
    account_id: int,
    token_hash: str,
    prefix: str,
    label: str,
    scopes: str,
    expires_at: datetime | None,
    now: datetime,
) -> AdminToken:
    """Store a new token by its digest."""
    row = AdminToken(
        account_id=account_id,
        token_hash=token_hash,
        prefix=prefix,
        label=label,
        scopes=scopes,
        expires_at=expires_at,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def admin_token(session: Session, token_id: int) -> AdminToken | None:
    """Return the token with this id."""
    return session.get(AdminToken, token_id)


def admin_tokens(session: Session) -> list[TokenOfAccount]:
    """Return all tokens, newest first."""
    query = select(AdminToken, Account.username).join(Account, Account.id == AdminToken.account_id)
    return [TokenOfAccount(*row) for row in session.execute(query.order_by(AdminToken.id.desc()))]


def working_admin_token(session: Session, token_hash: str, now: datetime) -> AdminToken | None:
    """Return the token with this SHA-256, if it works at `now` and its creator is an active administrator."""
    query = select(AdminToken).join(Account, Account.id == AdminToken.account_id)
    return session.scalar(
        query.where(
            AdminToken.token_hash == token_hash,
            AdminToken.revoked_at.is_(None),
            or_(AdminToken.expires_at.is_(None), AdminToken.expires_at > now),
            Account.active.is_(True),
            Account.role == "admin",
        )
    )


def note_token_use(session: Session, token_id: int, now: datetime, every: timedelta) -> None:
    """Store that a token is used now, unless that was stored less than `every` ago."""
    is_due = or_(AdminToken.last_used_at.is_(None), AdminToken.last_used_at <= now - every)
    session.execute(update(AdminToken).where(AdminToken.id == token_id, is_due).values(last_used_at=now))
