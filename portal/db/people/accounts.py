"""Accounts: who may sign in."""

from datetime import datetime

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from portal.db.tables import Account, Team
from portal.rules.text import email_key


def account(session: Session, account_id: int) -> Account | None:
    """Return the account with this id."""
    return session.get(Account, account_id)


def username_of(session: Session, account_id: int) -> str | None:
    """Return the user name of an account, also of a deleted account; None if it is unknown."""
    return session.scalar(select(Account.username).where(Account.id == account_id))


def team_name(session: Session, team_id: int | None) -> str | None:
    """Return how a team is called; None without a team."""
    return session.scalar(select(Team.name).where(Team.id == team_id))


def active_account(session: Session, account_id: int) -> Account | None:
    """Return the account with this id if it is active, and lock it against deletion until the transaction ends.

    Actions that write for a person use this, so that nothing is written for an account that is being deleted. The lock
    does not delay the storing of usage.
    """
    row = session.get(Account, account_id, with_for_update={"key_share": True})
    return row if row is not None and row.active else None


def lock_account(session: Session, account_id: int) -> int | None:
    """Lock an account against the storing of usage until the transaction ends; waits for storing that has begun.

    Returns the id of the account's team, which does not change while the lock lasts.

    Storing an event locks the row of its account for the foreign key. Read values that depend on the lock after it, in
    a separate statement: otherwise a change of a limit and an event that reaches the limit could overlook each other.
    SQLite has only one writer, so the lock changes nothing there.
    """
    team_id: int | None = session.connection().scalar(_LOCK, {"account": account_id})
    return team_id


_LOCK = select(Account.team_id).where(Account.id == bindparam("account")).with_for_update()


def lock_administrators(session: Session) -> set[int]:
    """Return the ids of the active administrators, and lock them until the transaction ends."""
    active = select(Account.id).where(Account.role == "admin", Account.active.is_(True))
    return set(session.scalars(active.order_by(Account.id).with_for_update()))


def has_active_administrator(session: Session) -> bool:
    """Return whether there is an active administrator."""
    active = select(Account.id).where(Account.role == "admin", Account.active.is_(True))
    return session.scalar(active.limit(1)) is not None


def administrator(session: Session, account_id: int) -> Account | None:
    """Return the account with this id if it is active and may administer; None otherwise."""
    row = session.get(Account, account_id)
    return row if row is not None and row.active and row.role == "admin" else None


def account_named(session: Session, username: str) -> Account | None:
    """Return the account that signs in as `username` (lower case)."""
    return session.scalar(select(Account).where(Account.username == username))


def account_called(session: Session, name: str) -> Account | None:
    """Return the account with this user name, else the one with this email address, in upper or lower case."""
    return account_named(session, name.lower()) or account_at(session, name)


def account_at(session: Session, email: str) -> Account | None:
    """Return the account with this email address, in upper or lower case."""
    key = email_key(email)
    return session.scalar(select(Account).where(Account.email_key == key)) if key else None


def all_accounts(session: Session) -> list[Account]:
    """Return every account by user name; for operators."""
    return list(session.scalars(select(Account).order_by(Account.username)))


def count_accounts(session: Session) -> int:
    """Return how many accounts there are."""
    return session.scalar(select(func.count()).select_from(Account)) or 0


def add_account(
    session: Session, username: str, display_name: str, email: str, role: str, password_hash: str | None, now: datetime
) -> Account:
    """Store a new account; a taken user name or email address raises IntegrityError at the flush."""
    row = Account(
        username=username,
        display_name=display_name,
        email=email,
        role=role,
        active=True,
        password_hash=password_hash,
        language="en",
        theme="system",
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def change_password_hash(session: Session, account_id: int, password_hash: str, *, expected: str | None) -> bool:
    """Replace a password hash if it is still `expected`; return whether it was."""
    changed = session.execute(
        update(Account)
        .where(Account.id == account_id, Account.password_hash == expected)
        .values(password_hash=password_hash)
    )
    return bool(changed.rowcount)  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult
