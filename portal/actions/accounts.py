"""Accounts: what administrators and operators change, and what a person changes about their own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator, existing_account, own_account, signed_in_account
from portal.actions.mails import queue_email_notice, queue_password_notice
from portal.actions.passwords import check_hash, hash_password
from portal.db.accounts import (
    account,
    account_at,
    account_named,
    add_account,
    change_password_hash,
    lock_administrators,
)
from portal.db.audit import add_entry
from portal.db.mails import drop_mails
from portal.db.password_resets import forget_links
from portal.db.sessions import end_sessions
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.db.tables import Account
from portal.errors import Conflict, InvalidInput, NotSignedIn
from portal.rules.accounts import Language, Role, Theme
from portal.rules.actors import Actor
from portal.rules.messages import message
from portal.rules.periods import zone
from portal.rules.text import MAX_PASSWORD, InvalidText, check_password, clean_email, clean_line, clean_new_username

DISPLAY_NAME_LENGTH = 100
EMAIL_TAKEN = message("Another account has this email address already.")


@dataclass(frozen=True, slots=True)
class Profile:
    """What a person may change about their own account."""

    display_name: str
    email: str
    time_zone: str
    language: str
    theme: str


def create_account(
    session: Session,
    actor: Actor,
    username: str,
    email: str,
    role: Role,
    password_hash: str | None,
    now: datetime,
    display_name: str | None = None,
) -> Account:
    """Create an account. Raises Forbidden, and as `check_new_account`.

    The password is hashed before (`hash_new_password`), outside of any transaction.
    """
    check_administrator(session, actor)
    name, address, shown = check_new_account(session, username, email, display_name)
    try:
        created = add_account(session, name, shown, address, role, password_hash, now)
    except IntegrityError as error:  # taken at this moment
        raise Conflict(
            message(
                "There is an account called {name}, or with the address {address}, already.", name=name, address=address
            )
        ) from error
    add_entry(session, actor, "account.create", now, account_id=created.id, username=name, role=role)
    return created


def check_new_account(
    session: Session, username: str, email: str, display_name: str | None = None
) -> tuple[str, str, str]:
    """Return user name, email address and display name of a new account, as they will be stored.

    Raises InvalidInput for malformed values and Conflict for a taken user name or address.
    """
    name = _checked("username", clean_new_username, username)
    address = _checked("email", clean_email, email)
    shown = _checked("display_name", _clean_display_name, display_name or name)
    if account_named(session, name) is not None:
        raise Conflict(message("There is an account called {name} already.", name=name), "username")
    check_email_is_free(session, address)
    return name, address, shown


def keep_an_administrator(session: Session, found: Account) -> None:
    """Raise Conflict when an account is the last active administrator; let no other administrator end meanwhile."""
    others = lock_administrators(session) - {found.id}
    session.refresh(found)
    if found.role == Role.ADMIN and found.active and not others:
        raise Conflict(
            message(
                "{username} is the only active administrator. Make another account one first: "
                "portal user edit NAME --role admin",
                username=found.username,
            )
        )


def edit_account(
    session: Session,
    actor: Actor,
    account_id: int,
    now: datetime,
    *,
    role: Role | None = None,
    email: str | None = None,
    display_name: str | None = None,
) -> Account:
    """Change the given fields of an account; an empty email address removes it. Another role ends the sessions.

    Raises Forbidden, NotFound, InvalidInput, and Conflict for an address of another account, for the role of the last
    active administrator, and for a deleted account.
    """
    check_administrator(session, actor)
    found = existing_account(session, account_id)
    changed: dict[str, object] = {}
    if role is not None and role != found.role:
        keep_an_administrator(session, found)
        changed["role"] = [found.role, role]
        found.role = role
        end_sessions(session, found.id)
    if email is not None:
        address = _checked("email", clean_email, email) if email.strip() else ""
        changed |= {"email": "changed"} if address != found.email else {}
        change_email(session, found, address, now)
    if display_name is not None:
        shown = _checked("display_name", _clean_display_name, display_name)
        changed |= {"display_name": "changed"} if shown != found.display_name else {}
        found.display_name = shown
    if changed:
        add_entry(session, actor, "account.edit", now, account_id=found.id, **changed)
    return found


def check_email_is_free(session: Session, address: str, account_id: int | None = None) -> None:
    """Raise Conflict when an account other than `account_id` has this email address."""
    owner = account_at(session, address)
    if owner is not None and owner.id != account_id:
        raise Conflict(EMAIL_TAKEN, "email")


def hash_new_password(password: str, username: str) -> str:
    """Check a new password and return its hash; takes a quarter of a second. Raises InvalidInput."""
    try:
        check_password(password, username)
    except InvalidText as error:
        raise InvalidInput(error.sentence, "password") from error
    return hash_password(password)


def set_password(session: Session, actor: Actor, account_id: int, password_hash: str, now: datetime) -> None:
    """Replace another one's password; ends all sessions of the account. Raises Forbidden, NotFound and Conflict."""
    check_administrator(session, actor)
    found = existing_account(session, account_id)
    found.password_hash = password_hash
    end_sessions(session, found.id)
    forget_links(session, found.id)
    add_entry(session, actor, "account.password", now, account_id=found.id)


def set_active(session: Session, actor: Actor, account_id: int, active: bool, now: datetime) -> None:
    """Suspend an account, which ends its sessions at once, or let it in again.

    Raises Forbidden, NotFound, and Conflict for the last active administrator and for a deleted account.
    """
    check_administrator(session, actor)
    found = existing_account(session, account_id)
    if not active:
        keep_an_administrator(session, found)
    found.active = active
    if not active:
        end_sessions(session, found.id)
        forget_links(session, found.id)
        drop_mails(session, found.id, "The account was suspended.", now)
    add_entry(session, actor, "account.activate" if active else "account.suspend", now, account_id=found.id)


def change_profile(session: Session, actor: Actor, new: Profile, now: datetime) -> None:
    """Change a person's own profile.

    Raises InvalidInput naming the field, Conflict for an address of another account, and NotSignedIn when suspended.
    """
    own = own_account(session, actor)
    own.display_name = _checked("display_name", _clean_display_name, new.display_name)
    address = _checked("email", clean_email, new.email)
    change_email(session, own, address, now)
    own.time_zone = _checked("time_zone", lambda name: zone(name).key, new.time_zone)
    own.language = _choice(Language, "language", new.language)
    own.theme = _choice(Theme, "theme", new.theme)
    add_entry(session, actor, "account.profile", now, account_id=own.id)


def change_email(session: Session, own: Account, address: str, now: datetime) -> None:
    """Give an account another email address, and tell the old one. Raises Conflict when another account has it."""
    if address == own.email:
        return
    check_email_is_free(session, address, own.id)
    forget_links(session, own.id)  # they went to the old address
    queue_email_notice(session, own, now)
    own.email = address
    try:
        session.flush()
    except IntegrityError as error:  # taken at this moment
        raise Conflict(EMAIL_TAKEN, "email") from error


def set_theme(session: Session, actor: Actor, theme: str, now: datetime) -> None:
    """Change how pages look. Raises InvalidInput and NotSignedIn."""
    own = own_account(session, actor)
    own.theme = _choice(Theme, "theme", theme)
    add_entry(session, actor, "account.theme", now, account_id=own.id, theme=theme)


def adopt_time_zone(session: Session, account_id: int, name: str) -> bool:
    """Take the browser's zone for an account that has none yet; say whether it was taken. Unknown zones are ignored."""
    own = signed_in_account(session, account_id)
    try:
        found = zone(name)
    except ValueError:
        return False
    if own.time_zone is not None:
        return False
    own.time_zone = found.key
    return True


def adopt_browser(session: Session, account_id: int, language: Language, time_zone: str) -> None:
    """Take language and zone of the browser at a first sign-in: while the account has no zone.

    A language other than English was chosen for the account, and stays.
    """
    own = signed_in_account(session, account_id)
    if own.time_zone is None and own.language == Language.ENGLISH:
        own.language = language
    adopt_time_zone(session, account_id, time_zone)


def change_password(actor: Actor, session_id: int | None, current: str, new: str, now: datetime) -> None:
    """Change a person's own password and end their other sessions. Raises InvalidInput naming the field.

    Opens its own transactions, since hashing takes long.
    """
    username, old_hash = run_in_reading(_credentials, actor)
    fits, _ = check_hash(current[: MAX_PASSWORD + 1], old_hash)
    if not fits:
        raise InvalidInput(message("That is not your current password."), "current")
    try:
        new_hash = hash_new_password(new, username)
    except InvalidInput as error:
        raise InvalidInput(error.sentence, "new") from error
    run_in_transaction(_store_password, actor, session_id, old_hash, new_hash, now)


def _credentials(session: Session, actor: Actor) -> tuple[str, str | None]:
    own = None if actor.account_id is None else account(session, actor.account_id)
    if own is None or not own.active:
        raise NotSignedIn
    return own.username, own.password_hash


def _store_password(
    session: Session, actor: Actor, session_id: int | None, old_hash: str | None, new_hash: str, now: datetime
) -> None:
    own = own_account(session, actor)
    if not change_password_hash(session, own.id, new_hash, expected=old_hash):
        raise Conflict(message("The password was changed elsewhere meanwhile."))
    end_sessions(session, own.id, exclude=session_id)
    forget_links(session, own.id)
    queue_password_notice(session, own, now)
    add_entry(session, actor, "account.password", now, account_id=own.id)


def _clean_display_name(text: str) -> str:
    return clean_line(text, message("The display name"), DISPLAY_NAME_LENGTH)


def _checked(field: str, clean: Callable[[str], str], value: str) -> str:
    """Clean one field, and name it when it cannot be taken."""
    try:
        return clean(value)
    except ValueError as error:
        zones = message("Choose a time zone such as Europe/Berlin.")
        sentence = error.sentence if isinstance(error, InvalidText) else zones
        raise InvalidInput(sentence, field) from error


def _choice(kind: type[StrEnum], field: str, value: str) -> str:
    try:
        return kind(value).value
    except ValueError as error:
        raise InvalidInput(message("Choose one of {choices}.", choices=", ".join(kind)), field) from error
