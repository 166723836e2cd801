"""Links with which people set a new password if they have forgotten theirs; only their SHA-256 is stored."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.db.tables import Account, ResetLink


def add_link(session: Session, account_id: int, token_hash: str, now: datetime, expires_at: datetime) -> None:
    """Store a link; older links of the account stay valid."""
    session.add(ResetLink(token_hash=token_hash, account_id=account_id, created_at=now, expires_at=expires_at))
    session.flush()


def owner_of_link(session: Session, token_hash: str, now: datetime, *, lock: bool = False) -> Account | None:
    """Return the active account of a valid link; `lock` locks the account until the transaction ends."""
    good = select(Account).join(ResetLink, ResetLink.account_id == Account.id)
    found = good.where(ResetLink.token_hash == token_hash, ResetLink.expires_at > now, Account.active.is_(True))
    return session.scalar(found.with_for_update(of=Account) if lock else found)


def use_link(session: Session, token_hash: str, now: datetime) -> int | None:
    """Delete a valid link and return the id of its account; None if it is not valid or was used before."""
    good = ResetLink.token_hash == token_hash, ResetLink.expires_at > now
    return session.scalar(delete(ResetLink).where(*good).returning(ResetLink.account_id))


def forget_links(session: Session, account_id: int) -> None:
    """Delete all links of an account."""
    session.execute(delete(ResetLink).where(ResetLink.account_id == account_id))


def forget_expired_links(session: Session, now: datetime) -> None:
    """Delete the links that have expired."""
    session.execute(delete(ResetLink).where(ResetLink.expires_at <= now))
