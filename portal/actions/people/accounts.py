"""Changes to accounts: by administrators and operators, and by people to their own account."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.actions.authority import (
    check_administrator,
    existing_account,
    own_account,
    refuse_acting,
    signed_in_account,
)
from portal.actions.fields import clean_field, clean_zone
from portal.actions.outbox import queue_notice
from portal.actions.people.passwords import check_hash, hash_password
from portal.db.audit import add_entry
from portal.db.outbox import drop_messages
from portal.db.people.accounts import (
    account,
    account_at,
    change_password_hash,
    lock_administrators,
)
from portal.db.people.password_resets import forget_links
from portal.db.people.sessions import end_sessions
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.db.tables import Account
from portal.errors import Conflict, InvalidInput, NotSignedIn
from portal.mails import email_changed_mail, password_changed_mail
from portal.rules.messages import message
from portal.rules.people.accounts import Language, Role, Theme
from portal.rules.people.actors import Actor
from portal.rules.periods import zone
from portal.rules.text import MAX_PASSWORD, check_password, clean_email, clean_line

DISPLAY_NAME_LENGTH = 100
EMAIL_TAKEN = message("Another account has this email address already.")


@dataclass(frozen=True, slots=True)
class Profile:
    """The fields of an account that its person may change; an email of None stays as it is."""

    display_name: str
    email: str | None
    time_zone: str
    language: str
    theme: str


def keep_an_administrator(session: Session, found: Account) -> None:
    """Raise Conflict if the account is the last active administrator; lock all administrators."""
    others = lock_administrators(session) - {found.id}
    session.refresh(found)
    if found.role == Role.ADMIN and found.active and not others:
        raise Conflict(
            message(
                "{username} is the only active administrator. Make another account an administrator first.",
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
    time_zone: str | None = None,
    language: str | None = None,
    version: int | None = None,
) -> Account:
    """Change the given fields of an account. An empty email removes the address; a new role ends the sessions.

    `version` is that of the account from which the change was made; without it nobody is asked. Raises Forbidden,
    NotFound, InvalidInput, and Conflict if another account has the address, if the account is the last active
    administrator, if it was deleted, or if somebody has changed it since `version`.
    """
    check_administrator(session, actor)
    if role is not None:
        lock_administrators(session)  # before the account, as everybody does who may end an administrator
    found = unchanged_account(session, account_id, version)
    before = _account_fields(found)
    if role is not None and role != found.role:
        keep_an_administrator(session, found)
        found.role = role
        end_sessions(session, found.id)
    if email is not None:
        address = clean_field("email", clean_email, email) if email.strip() else ""
        change_email(session, found, address, now)
    if display_name is not None:
        found.display_name = clean_display_name(display_name)
    if time_zone is not None:
        found.time_zone = clean_zone("time_zone", time_zone).key
    if language is not None:
        found.language = _choice(Language, "language", language)
    after = _account_fields(found)
    if after != before:
        add_entry(session, actor, "account.edit", now, account_id=found.id, before=before, after=after)
    return found


def _account_fields(found: Account) -> dict[str, object]:
    names = ("role", "email", "display_name", "time_zone", "language")
    return {name: getattr(found, name) for name in names}


def unchanged_account(session: Session, account_id: int, version: int | None) -> Account:
    """Return an account of this version, or of any without one, and lock it until the transaction ends.

    Raises NotFound, and Conflict if it was deleted, or changed since that version.
    """
    found = existing_account(session, account_id)
    session.refresh(found, with_for_update={"key_share": True})
    if version is not None and found.version != version:
        raise Conflict(message("Somebody else has changed this account meanwhile. Look at it again, then change it."))
    return found


def check_email_is_free(session: Session, address: str, account_id: int | None = None) -> None:
    """Raise Conflict if an account other than `account_id` has this email address."""
    owner = account_at(session, address)
    if owner is not None and owner.id != account_id:
        raise Conflict(EMAIL_TAKEN, "email")


def hash_new_password(password: str, username: str) -> str:
    """Check a new password and return its hash; takes 0.25 seconds. Raises InvalidInput."""
    clean_field("password", check_password, password, username)
    return hash_password(password)


def set_password(session: Session, actor: Actor, account_id: int, password_hash: str, now: datetime) -> None:
    """Replace the password of an account and end all its sessions. Raises Forbidden, NotFound and Conflict."""
    check_administrator(session, actor)
    found = existing_account(session, account_id)
    found.password_hash = password_hash
    end_sessions(session, found.id)
    forget_links(session, found.id)
    add_entry(session, actor, "account.password", now, account_id=found.id)


def set_active(
    session: Session, actor: Actor, account_id: int, active: bool, now: datetime, *, version: int | None = None
) -> None:
    """Activate an account, or suspend it and end its sessions; `version` is that of `edit_account`.

    Raises Forbidden, NotFound, and Conflict if the account is the last active administrator, was deleted, or has been
    changed since `version`.
    """
    check_administrator(session, actor)
    if not active:
        lock_administrators(session)  # before the account, as everybody does who may end an administrator
    found = unchanged_account(session, account_id, version)
    if not active:
        keep_an_administrator(session, found)
    before, found.active = {"active": found.active}, active
    if not active:
        end_sessions(session, found.id)
        forget_links(session, found.id)
        drop_messages(session, found.id, "The account was suspended.", now)
    action, after = "account.activate" if active else "account.suspend", {"active": active}
    add_entry(session, actor, action, now, account_id=found.id, before=before, after=after)


def change_profile(session: Session, actor: Actor, new: Profile, now: datetime) -> None:
    """Change a person's own profile.

    Raises InvalidInput, Conflict if another account has the address, and NotSignedIn if the account is suspended.
    """
    own = own_account(session, actor)
    before = _profile_fields(own)
    own.display_name = clean_display_name(new.display_name)
    if new.email is not None:
        change_email(session, own, clean_field("email", clean_email, new.email), now)
    own.time_zone = clean_zone("time_zone", new.time_zone).key
    own.language = _choice(Language, "language", new.language)
    own.theme = _choice(Theme, "theme", new.theme)
    after = _profile_fields(own)
    add_entry(session, actor, "account.profile", now, account_id=own.id, before=before, after=after)


def _profile_fields(own: Account) -> dict[str, object]:
    return {name: getattr(own, name) for name in ("display_name", "email", "time_zone", "language", "theme")}


def change_email(session: Session, own: Account, address: str, now: datetime) -> None:
    """Change the email address of an account and notify the old address. Raises Conflict if it is in use."""
    if address == own.email:
        return
    check_email_is_free(session, address, own.id)
    forget_links(session, own.id)  # the links went to the old address
    queue_notice(session, own, email_changed_mail, now)
    own.email = address
    try:
        session.flush()
    except IntegrityError as error:  # another transaction has just taken it
        raise Conflict(EMAIL_TAKEN, "email") from error


def set_theme(session: Session, actor: Actor, theme: str, now: datetime) -> None:
    """Change the theme of an account. Raises InvalidInput and NotSignedIn."""
    own = own_account(session, actor)
    before, own.theme = {"theme": own.theme}, _choice(Theme, "theme", theme)
    add_entry(session, actor, "account.theme", now, account_id=own.id, before=before, after={"theme": own.theme})


def adopt_time_zone(session: Session, actor: Actor, name: str) -> bool:
    """Store the browser's time zone if the account has none; return whether it was stored. Ignores unknown zones."""
    return _adopt_time_zone(own_account(session, actor), name)


def _adopt_time_zone(own: Account, name: str) -> bool:
    try:
        found = zone(name)
    except ValueError:
        return False
    if own.time_zone is not None:
        return False
    own.time_zone = found.key
    return True


def adopt_browser(session: Session, account_id: int, language: Language, time_zone: str) -> None:
    """Store language and time zone of the browser at the first sign-in, which is when the account has no zone.

    A language other than English was chosen for the account and does not change.
    """
    own = signed_in_account(session, account_id)
    if own.time_zone is None and own.language == Language.ENGLISH:
        own.language = language
    _adopt_time_zone(own, time_zone)


def change_password(actor: Actor, session_id: int | None, current: str, new: str, now: datetime) -> None:
    """Change a person's own password and end their other sessions. Raises InvalidInput, Conflict and NotSignedIn.

    Opens its own transactions, since hashing is slow.
    """
    username, old_hash = run_in_reading(_credentials, actor)
    is_correct, _ = check_hash(current[: MAX_PASSWORD + 1], old_hash)
    if not is_correct:
        raise InvalidInput(message("That is not your current password."), "current")
    try:
        new_hash = hash_new_password(new, username)
    except InvalidInput as error:
        raise InvalidInput(error.sentence, "new") from error
    run_in_transaction(_store_password, actor, session_id, old_hash, new_hash, now)


def _credentials(session: Session, actor: Actor) -> tuple[str, str | None]:
    refuse_acting(actor)
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
    queue_notice(session, own, password_changed_mail, now)
    add_entry(session, actor, "account.password", now, account_id=own.id)


def clean_display_name(text: str) -> str:
    """Return the name of a person on pages. Raises InvalidInput."""
    return clean_field("display_name", clean_line, text, message("The display name"), DISPLAY_NAME_LENGTH)


def _choice(kind: type[StrEnum], field: str, value: str) -> str:
    try:
        return kind(value).value
    except ValueError as error:
        raise InvalidInput(message("Choose one of {choices}.", choices=", ".join(kind)), field) from error
