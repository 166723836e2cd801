"""The first administrator: made with a link that each start prints, or named in the environment.

Decision: the link lives until there is an active *administrator*, not until there is an account. Whoever creates an
ordinary account first, or imports people, can still set the portal up.
"""

import secrets
from datetime import datetime

from sqlalchemy.orm import Session

from portal.actions.accounts import create_account, hash_new_password
from portal.db.accounts import account_named, add_account, has_active_administrator
from portal.db.audit import add_entry
from portal.db.sessions import has_setup_link, replace_setup_link, use_setup_link
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.errors import Conflict, InvalidInput, NotFound
from portal.rules.accounts import Role
from portal.rules.actors import Actor, Means
from portal.rules.messages import Message, message
from portal.rules.secrets import digest
from portal.rules.text import InvalidText, clean_username

ENVIRONMENT = Actor(Means.ENVIRONMENT)


def new_setup_link(session: Session, now: datetime) -> str | None:
    """Make the one-time token that creates the first administrator; None when there is an active one."""
    if has_active_administrator(session):
        return None
    token = secrets.token_urlsafe(32)
    replace_setup_link(session, digest(token), now)
    return token


def setup_link_is_good(session: Session, token: str) -> bool:
    """Say whether a setup token may still be used."""
    return not has_active_administrator(session) and has_setup_link(session, digest(token))


def why_setup_link_ended(session: Session) -> Message:
    """Return what to do with a setup link that may not be used."""
    if has_active_administrator(session):
        return message(
            "This setup link has ended, since there is an administrator. Sign in, or ask them for an account."
        )
    return message(
        "This setup link was used, or replaced by a newer one. As long as there is no administrator, each start of the "
        "portal prints a new link. On the server, this command creates one too: "
        "portal user create NAME --email ADDRESS --role admin"
    )


def set_up(token: str, username: str, email: str, password: str, now: datetime) -> None:
    """Create the first administrator. Raises NotFound for a used or unknown token and InvalidInput for bad values.

    Opens its own transactions, since hashing takes long.
    """
    if not run_in_reading(setup_link_is_good, token):
        raise NotFound(run_in_reading(why_setup_link_ended))
    password_hash = hash_new_password(password, username)
    run_in_transaction(_create_first, token, username, email, password_hash, now)


def _create_first(session: Session, token: str, username: str, email: str, password_hash: str, now: datetime) -> None:
    if has_active_administrator(session) or not use_setup_link(session, digest(token)):
        raise NotFound(why_setup_link_ended(session))
    create_account(session, Actor(Means.SETUP_LINK), username, email, Role.ADMIN, password_hash, now)


def create_first_administrator(username: str, email: str | None, password: str, now: datetime) -> bool:
    """Create an administrator unless an active one exists; return whether it did. Raises InvalidInput and Conflict.

    A suspended administrator of that name stays suspended: then the setup link is the way in. Without an email address
    the account gets no mail. Opens its own transactions, since hashing takes long.
    """
    if run_in_reading(has_active_administrator):
        return False
    password_hash = hash_new_password(password, username)
    return run_in_transaction(_create_named, username, email, password_hash, now)


def _create_named(session: Session, username: str, email: str | None, password_hash: str, now: datetime) -> bool:
    if has_active_administrator(session):  # another process was faster
        return False
    found = account_named(session, username.strip().lower())
    if found is not None and found.role == Role.ADMIN:
        return False
    if found is not None:
        raise Conflict(
            message("The account {username} exists and is no administrator. Name another one.", username=username)
        )
    if email is not None:
        create_account(session, ENVIRONMENT, username, email, Role.ADMIN, password_hash, now)
        return True
    try:
        name = clean_username(username)
    except InvalidText as error:
        raise InvalidInput(error.sentence, "username") from error
    created = add_account(session, name, name, "", Role.ADMIN, password_hash, now)
    add_entry(session, ENVIRONMENT, "account.create", now, account_id=created.id, username=name, role=Role.ADMIN)
    return True
