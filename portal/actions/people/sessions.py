"""Signing in and out."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator, existing_account, own_account
from portal.actions.people.passwords import check_hash
from portal.db.audit import add_entry
from portal.db.people.accounts import account_named, change_password_hash
from portal.db.people.sessions import (
    add_session,
    end_own_session,
    end_session,
    end_sessions,
    forget_failures,
    forget_old,
    locked_failures,
    session_of,
    set_failures,
    touch_session,
)
from portal.db.sql.session import run_in_transaction
from portal.errors import NotFound, TooManyTries, WrongCredentials
from portal.rules.messages import message
from portal.rules.people.actors import Actor, Means
from portal.rules.people.secrets import digest
from portal.rules.people.throttling import after_failure, after_success, wait_until
from portal.rules.text import MAX_PASSWORD, InvalidText, clean_username
from portal.settings import settings

TOUCHED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser: its User-Agent header and its network address."""

    user_agent: str
    address: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """A new session; its token goes into the cookie and is not stored."""

    account_id: int
    token: str


def sign_in(username: str, password: str, browser: Browser, old_token: str | None, now: datetime) -> SignIn:
    """Open a session for a user name and password, and end the previous session of the browser.

    Raises WrongCredentials for an unknown or suspended account and for a wrong password, and TooManyTries after several
    failures. Opens its own transactions: the try is counted before the check, so that parallel tries are counted too.
    """
    try:
        name = clean_username(username)
    except InvalidText:  # no account has such a name, but the try is counted
        name = "?" + username[:63].encode("utf-8", "replace").decode().replace("\x00", "?")
    password_hash = run_in_transaction(_begin_try, name, browser, now)
    is_correct, renewed = check_hash(password[: MAX_PASSWORD + 1], password_hash)
    if not is_correct:
        raise WrongCredentials
    return run_in_transaction(_open_session, name, password_hash, renewed, browser, old_token, now)


def _begin_try(session: Session, name: str, browser: Browser, now: datetime) -> str | None:
    """Count the try as failed, before the check; return the password hash, or None without an active account."""
    count_try(session, "account", name, now)
    count_try(session, "address", browser.address, now)
    account = account_named(session, name)
    return account.password_hash if account is not None and account.active else None


def count_try(session: Session, scope: str, who: str, now: datetime) -> None:
    """Count a try of `who` in a scope of throttling. Raises TooManyTries."""
    before = locked_failures(session, scope, who)
    until = wait_until(before, scope, now)
    if until is not None:
        raise TooManyTries(retry_after=int((until - now).total_seconds()) + 1)
    set_failures(session, scope, who, after_failure(before, now))


def _open_session(
    session: Session,
    name: str,
    checked_hash: str | None,
    renewed: str | None,
    browser: Browser,
    old_token: str | None,
    now: datetime,
) -> SignIn:
    account = account_named(session, name)
    if account is not None:
        # a transaction that ends all sessions waits for this lock, and then ends this session too
        session.refresh(account, with_for_update=True)
    if account is None or not account.active or account.password_hash != checked_hash:
        raise WrongCredentials  # the account changed during the check
    forget_failures(session, "account", name)
    others = after_success(locked_failures(session, "address", browser.address))
    if others is None:
        forget_failures(session, "address", browser.address)
    else:
        set_failures(session, "address", browser.address, others)
    forget_old(session, now)
    if renewed is not None:
        change_password_hash(session, account.id, renewed, expected=checked_hash)
    if old_token is not None:
        end_session(session, digest(old_token))
    signed_in = open_session_for(session, account.id, browser, now)
    actor = Actor(Means.SESSION, name, account.id, browser.address)
    add_entry(session, actor, "session.open", now, account_id=account.id)
    return signed_in


def open_session_for(session: Session, account_id: int, browser: Browser, now: datetime) -> SignIn:
    """Open a session for an account after the caller has checked the identity of the person."""
    token = secrets.token_urlsafe(32)
    add_session(session, account_id, digest(token), browser.user_agent, browser.address, now, lifetime())
    return SignIn(account_id, token)


def keep_alive(session: Session, token: str, now: datetime) -> None:
    """Extend a session that is in use. Writes at most once in `TOUCHED_EVERY`."""
    found = session_of(session, digest(token), now)
    if found is not None and now - found[0].last_seen_at >= TOUCHED_EVERY:
        touch_session(session, found[0].id, now, lifetime())


def sign_out(session: Session, token: str) -> None:
    """End a session; ignores an unknown token."""
    end_session(session, digest(token))


def sign_out_others(session: Session, actor: Actor, session_id: int, now: datetime) -> int:
    """End all sessions of the actor's account except one; return their number. Raises NotSignedIn."""
    account_id = own_account(session, actor).id
    ended = end_sessions(session, account_id, exclude=session_id)
    add_entry(session, actor, "session.end_others", now, account_id=account_id, ended=ended)
    return ended


def sign_out_everywhere(session: Session, actor: Actor, account_id: int, now: datetime) -> int:
    """End all sessions of an account; return their number. Raises Forbidden, NotFound and Conflict."""
    check_administrator(session, actor)
    found = existing_account(session, account_id)
    session.refresh(found, with_for_update=True)  # a sign-in that has begun ends first, and its session ends here
    ended = end_sessions(session, found.id)
    add_entry(session, actor, "session.end_all", now, account_id=found.id, ended=ended)
    return ended


def end_one_session(session: Session, actor: Actor, account_id: int, session_id: int, now: datetime) -> None:
    """End one session of an account. Raises Forbidden, and NotFound if it has ended."""
    check_administrator(session, actor)
    if not end_own_session(session, account_id, session_id):
        raise NotFound(message("This session has ended already."))
    add_entry(session, actor, "session.end", now, account_id=account_id)


def unlock_sign_in(session: Session, actor: Actor, account_id: int, now: datetime) -> None:
    """Forget the wrong passwords of an account, so that its person may try again at once. May be repeated.

    Raises Forbidden, NotFound and Conflict.
    """
    check_administrator(session, actor)
    found = existing_account(session, account_id)
    forget_failures(session, "account", found.username)
    add_entry(session, actor, "account.unlock", now, account_id=found.id)


def lifetime() -> timedelta:
    """Return how long an unused session lasts."""
    return timedelta(hours=settings().session_hours)
