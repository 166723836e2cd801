"""The administrator that an operator names in the environment, for installations that nobody sets up by hand."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.actions.accounts import create_account, hash_new_password
from portal.db.accounts import account_named, add_account, has_active_administrator
from portal.db.audit import add_entry
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.errors import Conflict, InvalidInput
from portal.rules.accounts import Role
from portal.rules.actors import Actor, Means
from portal.rules.messages import message
from portal.rules.text import InvalidText, clean_username

ACTOR = Actor(Means.ENVIRONMENT)


def create_first_administrator(username: str, email: str | None, password: str, now: datetime) -> bool:
    """Create an administrator unless an active one exists; return whether it did. Raises InvalidInput and Conflict.

    A suspended administrator of that name stays suspended: then the setup link is the way in. Without an email address
    the account gets no mail. Opens its own transactions, since hashing takes long.
    """
    if run_in_reading(has_active_administrator):
        return False
    password_hash = hash_new_password(password, username)
    return run_in_transaction(_create, username, email, password_hash, now)


def _create(session: Session, username: str, email: str | None, password_hash: str, now: datetime) -> bool:
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
        create_account(session, ACTOR, username, email, Role.ADMIN, password_hash, now)
        return True
    try:
        name = clean_username(username)
    except InvalidText as error:
        raise InvalidInput(error.sentence, "username") from error
    created = add_account(session, name, name, "", Role.ADMIN, password_hash, now)
    add_entry(session, ACTOR, "account.create", now, account_id=created.id, username=name, role=Role.ADMIN)
    return True
