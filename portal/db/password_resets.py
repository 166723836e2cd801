"""Links with which people who have forgotten their password set another; only their SHA-256 is kept."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.db.tables import Account, ResetLink


def add_link(session: Session, account_id: int, token_hash: str, now: datetime, expires_at: datetime) -> None:
    """Store a link; those that the account has already stay good."""
    session.add(ResetLink(token_hash=token_hash, account_id=account_id, created_at=now, expires_at=expires_at))
    session.flush()


def owner_of_link(session: Session, token_hash: str, now: datetime, *, lock: bool = False) -> Account | None:
    """Return the active account that a link is for, while it is good; `lock` keeps the account to ourselves."""
    good = select(Account).join(ResetLink, ResetLink.account_id == Account.id)
    found = good.where(ResetLink.token_hash == token_hash, ResetLink.expires_at > now, Account.active.is_(True))
    return session.scalar(found.with_for_update(of=Account) if lock else found)


def use_link(session: Session, token_hash: str, now: datetime) -> int | None:
    """Use up a good link and return the account it is for; of two at once only one gets it."""
    good = ResetLink.token_hash == token_hash, ResetLink.expires_at > now
    return session.scalar(delete(ResetLink).where(*good).returning(ResetLink.account_id))


def forget_links(session: Session, account_id: int) -> None:
    """Delete all links of an account."""
    session.execute(delete(ResetLink).where(ResetLink.account_id == account_id))


def forget_expired_links(session: Session, now: datetime) -> None:
    """Delete the links that have expired."""
    session.execute(delete(ResetLink).where(ResetLink.expires_at <= now))
