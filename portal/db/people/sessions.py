"""Sessions of signed-in browsers, counts of wrong passwords, and the setup link."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Select, and_, delete, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from portal.db.spending.budget_requests import unread_answer
from portal.db.sql.upsert import insert, upsert
from portal.db.tables import Account, BudgetRequest, Crossing, SetupLink, SignInFailure, TeamManager
from portal.db.tables import Session as SessionRow
from portal.rules.people.throttling import FORGOTTEN_AFTER, Failures

_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


Person = aliased(Account, name="person")
"""The account as which an administrator sees the portal."""


class OpenSession(NamedTuple):
    """A running session, its active account, the number of unread entries of the bell, and `person`.

    These are entries of the account that is seen. `person` is the account as which an administrator sees the portal,
    or None. `manages` is whether the seen account manages a team.
    """

    session: SessionRow
    account: Account
    unread: int
    person: Account | None = None
    manages: bool = False


class SeenSession(NamedTuple):
    """A session, and the account as which its administrator sees the portal, or None."""

    id: int
    acting_as: int | None


def session_of(session: Session, token_hash: str, now: datetime) -> OpenSession | None:
    """Return the running session with this token."""
    row = session.execute(
        select(SessionRow, Account, _UNREAD, Person, _MANAGES)
        .join(Account, Account.id == SessionRow.account_id)
        .outerjoin(Person, acting(now))
        .where(SessionRow.token_hash == token_hash, *running(now))
    ).first()
    return None if row is None else OpenSession(*row)


_SEEN = func.coalesce(Person.id, Account.id)
_MANAGES = exists().where(TeamManager.account_id == _SEEN).correlate(Account, Person)
_UNREAD = (
    select(func.count())
    .where(Crossing.account_id == _SEEN, Crossing.read_at.is_(None))
    .correlate(Account, Person)
    .scalar_subquery()
) + (
    select(func.count())
    .select_from(BudgetRequest)
    .where(*unread_answer(_SEEN))
    .correlate(Account, Person)
    .scalar_subquery()
)


def still_running(session: Session, seen: Collection[SeenSession], now: datetime) -> set[SeenSession]:
    """Return those sessions that still run, belong to an active account, and show the portal as the same account."""
    rows = session.execute(
        select(SessionRow.id, Person.id)
        .join(Account, Account.id == SessionRow.account_id)
        .outerjoin(Person, acting(now))
        .where(SessionRow.id.in_({each.id for each in seen}), *running(now))
    )
    return {SeenSession(*row) for row in rows}.intersection(seen)


def acting(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Return the condition under which the administrator of a session sees the portal as `Person` at `now`."""
    return and_(
        Person.id == SessionRow.acting_as,
        SessionRow.acting_until > now,
        Person.active.is_(True),
        Person.role != "admin",
        Account.role == "admin",
    )


def running(now: datetime | BindParameter[datetime]) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of a running session of an active account at `now`, which may be a parameter."""
    return SessionRow.expires_at > now, Account.active.is_(True)


def sessions(session: Session, account_id: int, now: datetime) -> list[SessionRow]:
    """Return an account's running sessions, last used first."""
    return list(
        session.scalars(
            select(SessionRow)
            .where(SessionRow.account_id == account_id, SessionRow.expires_at > now)
            .order_by(SessionRow.last_seen_at.desc(), SessionRow.id.desc())
        )
    )


def add_session(
    session: Session, account_id: int, token_hash: str, user_agent: str, address: str, now: datetime, lasts: timedelta
) -> SessionRow:
    """Store a new session, and the time of the sign-in."""
    row = SessionRow(
        token_hash=token_hash,
        account_id=account_id,
        created_at=now,
        last_seen_at=now,
        expires_at=now + lasts,
        user_agent=user_agent[:200],
        address=address[:64],
        confirmed_at=now,
    )
    session.add(row)
    session.execute(update(Account).where(Account.id == account_id).values(signed_in_at=now))
    session.flush()
    return row


def touch_session(session: Session, session_id: int, now: datetime, lasts: timedelta) -> None:
    """Store that a session is in use, and extend it to `lasts` from now."""
    session.execute(
        update(SessionRow).where(SessionRow.id == session_id).values(last_seen_at=now, expires_at=now + lasts)
    )


def own_session(session: Session, account_id: int, session_id: int, now: datetime) -> SessionRow | None:
    """Return a running session of an account, and lock it until the transaction ends."""
    own = SessionRow.id == session_id, SessionRow.account_id == account_id, SessionRow.expires_at > now
    return session.scalar(select(SessionRow).where(*own).with_for_update())


def end_own_session(session: Session, account_id: int, session_id: int) -> bool:
    """Delete one session of an account; return whether there was one."""
    own = delete(SessionRow).where(SessionRow.account_id == account_id, SessionRow.id == session_id)
    return bool(session.execute(own).rowcount)  # type: ignore[attr-defined]  # a DELETE gives a CursorResult


def end_acting(session: Session, account_id: int) -> None:
    """Let no administrator see the portal as this account any more."""
    acting_as = update(SessionRow).where(SessionRow.acting_as == account_id)
    session.execute(acting_as.values(acting_as=None, acting_until=None))


def end_session(session: Session, token_hash: str) -> None:
    """Delete the session with this token, if there is one."""
    session.execute(delete(SessionRow).where(SessionRow.token_hash == token_hash))


def end_sessions(session: Session, account_id: int, *, exclude: int | None = None) -> int:
    """Delete an account's sessions except one; return how many."""
    others = delete(SessionRow).where(SessionRow.account_id == account_id, SessionRow.id != (exclude or 0))
    return int(session.execute(others).rowcount)  # type: ignore[attr-defined]  # a DELETE gives a CursorResult


def forget_old(session: Session, now: datetime) -> None:
    """Delete sessions that have expired and failures that no longer count."""
    session.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
    session.execute(delete(SignInFailure).where(SignInFailure.last_at <= now - FORGOTTEN_AFTER))


def failures(session: Session, scope: str, name: str) -> Failures | None:
    """Return the wrong passwords in a row of a user name or an address."""
    return _counted(session.scalar(_failures_of(scope, name)))


def locked_failures(session: Session, scope: str, name: str) -> Failures | None:
    """Return the wrong passwords in a row of a user name or an address, and lock them until the transaction ends.

    A row with a count of 0 is stored first where there is none, since only a row can be locked.
    """
    none_yet = {"scope": scope, "name": name[:256], "count": 0, "last_at": _NEVER}
    session.execute(insert(session, SignInFailure).values(**none_yet).on_conflict_do_nothing())
    return _counted(session.scalar(_failures_of(scope, name).with_for_update()))


def _failures_of(scope: str, name: str) -> Select[SignInFailure]:
    return select(SignInFailure).where(SignInFailure.scope == scope, SignInFailure.name == name[:256])


def _counted(row: SignInFailure | None) -> Failures | None:
    return Failures(row.count, row.last_at) if row is not None and row.count else None  # a right password deletes it


def set_failures(session: Session, scope: str, name: str, now_failed: Failures) -> None:
    """Store the number of wrong passwords in a row."""
    values = {"count": now_failed.count, "last_at": now_failed.last_at}
    upsert(session, SignInFailure, {"scope": scope, "name": name[:256]}, values)


def forget_failures(session: Session, scope: str, name: str) -> None:
    """Delete the count of wrong passwords, after a right password."""
    session.execute(delete(SignInFailure).where(SignInFailure.scope == scope, SignInFailure.name == name[:256]))


def replace_setup_link(session: Session, token_hash: str, now: datetime) -> None:
    """Store a setup link and delete all others."""
    session.execute(delete(SetupLink))
    session.add(SetupLink(token_hash=token_hash, created_at=now))
    session.flush()


def has_setup_link(session: Session, token_hash: str) -> bool:
    """Return whether a setup link is valid."""
    return session.get(SetupLink, token_hash) is not None


def use_setup_link(session: Session, token_hash: str) -> bool:
    """Delete a setup link; return whether it was valid. Only one of two concurrent calls gets True."""
    used = session.execute(delete(SetupLink).where(SetupLink.token_hash == token_hash))
    return bool(used.rowcount)  # type: ignore[attr-defined]  # a DELETE gives a CursorResult
