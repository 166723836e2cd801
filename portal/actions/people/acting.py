"""Seeing the portal as another person, which only an administrator may, for half an hour and without changing anything.

Decision: the session stays the administrator's, and says as whom it sees the portal. So signing out, a new role or a
suspension of the administrator ends both, and after half an hour the administrator is back without a new sign-in.
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator, existing_account
from portal.actions.people.passwords import check_hash
from portal.actions.people.sessions import count_try
from portal.db.audit import add_entry
from portal.db.people.accounts import account
from portal.db.people.sessions import forget_failures, own_session, session_of
from portal.db.sql.session import run_in_transaction
from portal.db.tables import Session as SessionRow
from portal.errors import Conflict, InvalidInput, NotSignedIn
from portal.rules.messages import message
from portal.rules.people.accounts import Role
from portal.rules.people.actors import Actor, Means
from portal.rules.people.secrets import digest
from portal.rules.text import MAX_PASSWORD

ACTING_LASTS = timedelta(minutes=30)
PASSWORD_IS_FRESH = timedelta(minutes=5)
"""After a sign-in or a confirmation the password is not asked for again for this long."""


def needs_password(session: Session, actor: Actor, session_id: int | None, now: datetime) -> bool:
    """Return whether the actor has to confirm the password before acting as a person. Raises NotSignedIn."""
    return not _is_fresh(_session(session, actor, session_id, now), now)


def act_as(actor: Actor, session_id: int | None, account_id: int, password: str, now: datetime) -> None:
    """Let the session of an administrator see the portal as another account until `ACTING_LASTS` is over.

    The password may be empty if it was given within `PASSWORD_IS_FRESH`. Raises Forbidden, NotSignedIn without a
    session, NotFound, InvalidInput for a wrong password, TooManyTries, and Conflict if the account is an
    administrator's, suspended or deleted. Opens its own transactions, since hashing is slow.
    """
    checked = run_in_transaction(_begin_confirmation, actor, session_id, account_id, password, now)
    if checked is not None:
        username, password_hash = checked
        is_correct, _ = check_hash(password[: MAX_PASSWORD + 1], password_hash)
        if not is_correct:
            raise InvalidInput(message("That is not your password."), "password")
        run_in_transaction(_confirm, actor, session_id, username, password_hash, now)
    run_in_transaction(_begin, actor, session_id, account_id, now)


def stop_acting(session: Session, token: str, now: datetime) -> int | None:
    """End seeing the portal as a person; return the account of that person, or None if the session is nobody else's."""
    found = session_of(session, digest(token), now)
    if found is None or found.session.acting_as is None:
        return None
    person = found.session.acting_as
    found.session.acting_as = found.session.acting_until = None
    actor = Actor(Means.SESSION, found.account.username, found.account.id)
    add_entry(session, actor, "acting.end", now, account_id=person)
    return person


def _begin_confirmation(
    session: Session, actor: Actor, session_id: int | None, account_id: int, password: str, now: datetime
) -> tuple[str, str | None] | None:
    """Count a try; return user name and password hash to check, or None if the password is fresh."""
    _check_person(session, actor, account_id)
    if not needs_password(session, actor, session_id, now):
        return None
    if not password:
        raise InvalidInput(message("Enter your password."), "password")
    own = account(session, actor.account_id or 0)
    if own is None:
        raise NotSignedIn
    count_try(session, "account", own.username, now)
    return own.username, own.password_hash


def _confirm(
    session: Session, actor: Actor, session_id: int | None, username: str, checked_hash: str | None, now: datetime
) -> None:
    row, own = _session(session, actor, session_id, now), account(session, actor.account_id or 0)
    if own is None or own.password_hash != checked_hash:
        raise NotSignedIn  # the password was changed during the check
    forget_failures(session, "account", username)
    row.confirmed_at = now


def _begin(session: Session, actor: Actor, session_id: int | None, account_id: int, now: datetime) -> None:
    _check_person(session, actor, account_id)
    row = _session(session, actor, session_id, now)
    if not _is_fresh(row, now):
        raise InvalidInput(message("Enter your password."), "password")
    row.acting_as, row.acting_until = account_id, now + ACTING_LASTS
    add_entry(session, actor, "acting.begin", now, account_id=account_id, until=row.acting_until)


def _check_person(session: Session, actor: Actor, account_id: int) -> None:
    """Raise Forbidden, NotFound and Conflict unless the actor may act as this account."""
    check_administrator(session, actor)
    person = existing_account(session, account_id)
    if person.role == Role.ADMIN:
        raise Conflict(message("{username} is an administrator. Nobody acts as one.", username=person.username))
    if not person.active:
        raise Conflict(message("{username} is suspended. Activate the account first.", username=person.username))


def _is_fresh(row: SessionRow, now: datetime) -> bool:
    return row.confirmed_at is not None and now - row.confirmed_at <= PASSWORD_IS_FRESH


def _session(session: Session, actor: Actor, session_id: int | None, now: datetime) -> SessionRow:
    row = own_session(session, actor.account_id or 0, session_id or 0, now) if actor.means is Means.SESSION else None
    if row is None:
        raise NotSignedIn
    return row
