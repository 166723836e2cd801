"""Password resets: requesting a link, and setting a new password with it.

Decision: no visitor can find out whether an account exists. The same statements run for every address before the
response, which only counts the request; the account is looked up after the response. The mail is written outside of the
transaction and every request adds an audit row, so that the single writer of SQLite is busy for the same time for all
addresses. Counted requests are never removed, since this would show that a link was used.

A new link does not end earlier ones, or a stranger could end the link that somebody is about to use. Setting a password
ends all links.
"""

import logging
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator, existing_account
from portal.actions.outbox import queue_notice
from portal.actions.people.accounts import hash_new_password
from portal.actions.people.sessions import count_try
from portal.db.audit import add_entry
from portal.db.outbox import NewMessage, add_message
from portal.db.people.accounts import account_at
from portal.db.people.password_resets import add_link, forget_expired_links, forget_links, owner_of_link, use_link
from portal.db.people.sessions import end_sessions, forget_failures
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.db.tables import Account
from portal.errors import Conflict, NotFound, Unavailable
from portal.mails import password_changed_mail, password_link_mail, reset_mail
from portal.rules.messages import message
from portal.rules.outbox import LINK_LASTS, Kind
from portal.rules.people.actors import Actor, Means
from portal.rules.people.secrets import digest
from portal.settings import settings
from portal.words.stored_reasons import stored_sentence

log = logging.getLogger(__name__)

PASSWORD_LINK_LASTS = timedelta(days=3)
"""A link that an administrator makes and passes on works for this long: a new colleague may be away for a weekend."""
_ASKED = "account.forgot_password"


class LinkDelivery(StrEnum):
    """What happens to the password links of new accounts."""

    SHOW = "show"
    MAIL = "mail"
    NONE = "none"


class LinkEnded(NotFound):
    """A link was used, has expired or never existed; the answer is the same for all three."""

    sentence = message("This link has been used or its time is over.")


class PasswordLink(NamedTuple):
    """The path of a link with which a person sets a password, and its end; the portal cannot show it again."""

    path: str
    expires_at: datetime


class ResetMail(NamedTuple):
    """A mail with a link, and the hash of the token in the link."""

    account_id: int
    token_hash: str
    mail: NewMessage


def links_can_be_mailed() -> bool:
    """Return whether people can reset their own password; else an administrator has to do it."""
    return settings().mail_is_set_up and settings().base_url is not None


def count_ask(session: Session, email: str, address: str, now: datetime) -> None:
    """Count a request for a link to `email` from the client `address`. Raises TooManyTries."""
    count_try(session, "reset", email.lower(), now)
    count_try(session, "reset address", address, now)


def queue_links(email: str, address: str, now: datetime) -> None:
    """Queue a mail with a link for the active account with this email address. Runs after the response.

    Opens its own transactions. An unavailable database is only logged.
    """
    try:
        resets = run_in_reading(_reset_mails, email)
        run_in_transaction(_queue, resets, address, now)
    except Unavailable:
        log.warning("an ask for a forgotten password is lost: the database was away")


def _reset_mails(session: Session, email: str) -> list[ResetMail]:
    found = account_at(session, email)
    return [_reset_mail(found)] if found is not None and found.active else []


def _reset_mail(account: Account) -> ResetMail:
    token = secrets.token_urlsafe(32)
    minutes = LINK_LASTS // timedelta(minutes=1)
    content = reset_mail(account.display_name, account.language, _address_of(token), minutes)
    return ResetMail(account.id, digest(token), NewMessage(account.id, Kind.RESET, account.email, *content))


def _address_of(token: str) -> str:
    return f"{(settings().base_url or '').rstrip('/')}{path_of_link(token)}"


def path_of_link(token: str) -> str:
    """Return the path of the page that sets a password with a token."""
    return f"/user/reset-password?token={token}"


def make_password_link(session: Session, actor: Actor, account_id: int, now: datetime) -> PasswordLink:
    """Make a link with which the person of an account sets a password; earlier links stay valid.

    The present password works until then. Raises Forbidden, NotFound, and Conflict if the account is suspended or was
    deleted.
    """
    found = _receiver(session, actor, account_id)
    token = new_password_link(session, found.id, now)
    add_entry(session, actor, "account.password_link", now, account_id=found.id)
    return PasswordLink(path_of_link(token), now + PASSWORD_LINK_LASTS)


def mail_password_link(session: Session, actor: Actor, account_id: int, now: datetime) -> str:
    """Mail such a link to the address of the account; return the address.

    Raises the errors of `make_password_link`, and Conflict with the reason if no mail can be sent.
    """
    found = _receiver(session, actor, account_id)
    if settings().base_url is None:
        raise Conflict(message("The portal does not know its own address. Set PORTAL_BASE_URL first."))
    token = new_password_link(session, found.id, now)
    reason = add_message(session, link_mail(found, token), now)
    if reason is not None:
        raise Conflict(stored_sentence(reason))
    add_entry(session, actor, "account.password_link", now, account_id=found.id, by="mail")
    return found.email


def _receiver(session: Session, actor: Actor, account_id: int) -> Account:
    check_administrator(session, actor)
    found = existing_account(session, account_id)
    if not found.active:
        raise Conflict(message("{username} is suspended. Activate the account first.", username=found.username))
    return found


def new_password_link(session: Session, account_id: int, now: datetime) -> str:
    """Store a new link of an account; return its token."""
    token = secrets.token_urlsafe(32)
    forget_expired_links(session, now)
    add_link(session, account_id, digest(token), now, now + PASSWORD_LINK_LASTS)
    return token


def link_mail(account: Account, token: str) -> NewMessage:
    """Return the mail with a link that an administrator has made."""
    link, days = _address_of(token), PASSWORD_LINK_LASTS.days
    content = password_link_mail(account.display_name, account.language, account.username, link, days)
    return NewMessage(account.id, Kind.LINK, account.email, *content)


def _queue(session: Session, resets: list[ResetMail], address: str, now: datetime) -> None:
    forget_expired_links(session, now)
    actor = Actor(Means.VISITOR, address=address)
    for reset in resets:
        add_link(session, reset.account_id, reset.token_hash, now, now + LINK_LASTS)
        add_message(session, reset.mail, now)
        add_entry(session, actor, _ASKED, now, account_id=reset.account_id)
    if not resets:
        add_entry(session, actor, _ASKED, now)


def owner_of(session: Session, token: str, now: datetime) -> str:
    """Return the user name of the account of a link; changes nothing. Raises LinkEnded."""
    owner = owner_of_link(session, digest(token), now)
    if owner is None:
        raise LinkEnded
    return owner.username


def reset_password(token: str, new: str, now: datetime) -> None:
    """Set a new password with a link, end the link and all sessions of the account, and notify the account by mail.

    Raises LinkEnded, and InvalidInput for an invalid password, after which the link may be used again.
    Opens its own transactions, since hashing is slow.
    """
    username = run_in_reading(owner_of, token, now)
    new_hash = hash_new_password(new, username)
    run_in_transaction(_reset, digest(token), new_hash, now)


def _reset(session: Session, token_hash: str, new_hash: str, now: datetime) -> None:
    own = owner_of_link(session, token_hash, now, lock=True)
    if own is None or use_link(session, token_hash, now) != own.id:
        raise LinkEnded
    own.password_hash = new_hash
    forget_links(session, own.id)
    forget_failures(session, "account", own.username)
    ended = end_sessions(session, own.id)
    add_entry(session, Actor(Means.RESET_LINK), "account.password", now, account_id=own.id, ended=ended)
    queue_notice(session, own, password_changed_mail, now)
