"""Forgotten passwords: asking for a link, and setting another password with it.

Decision: nothing tells a visitor whether there is an account. What comes before the answer counts the try, in the same
statements for every address; accounts are looked for after the answer has gone out. Even then mails are written outside
of the transaction and every ask leaves an audit row, so that the one writer of SQLite is not noticeably longer busy for
some addresses than for others. And counted asks are never forgiven: that they were would tell that a link was used.

A further link leaves earlier ones good, or a stranger who keeps asking could end the link somebody is about to use.
Setting a password ends them all.
"""

import logging
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from portal.actions.accounts import hash_new_password
from portal.actions.mails import queue_password_notice
from portal.actions.sessions import count_try
from portal.db.accounts import account_at
from portal.db.audit import add_entry
from portal.db.mails import NewMail, add_mail
from portal.db.password_resets import add_link, forget_expired_links, forget_links, owner_of_link, use_link
from portal.db.sessions import end_sessions, forget_failures
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.db.tables import Account
from portal.errors import NotFound, Unavailable
from portal.mails import reset_mail
from portal.rules.actors import Actor, Means
from portal.rules.mails import LINK_LASTS, Kind
from portal.rules.messages import message
from portal.rules.secrets import digest
from portal.settings import settings

log = logging.getLogger(__name__)

_ASKED = "account.forgot_password"


class LinkEnded(NotFound):
    """A link was used, has expired or never was: the answer is the same."""

    sentence = message("This link has been used or its time is over.")


class ResetMail(NamedTuple):
    """A mail that is written, and the hash of the token in it."""

    token_hash: str
    mail: NewMail


def links_can_be_mailed() -> bool:
    """Say whether people can set another password by themselves; else an administrator does it for them."""
    return settings().mail_is_set_up and settings().base_url is not None


def count_ask(session: Session, email: str, address: str, now: datetime) -> None:
    """Count that somebody at `address` asks for links to an email address, known or not. Raises TooManyTries."""
    count_try(session, "reset", email.lower(), now)
    count_try(session, "reset address", address, now)


def queue_links(email: str, address: str, now: datetime) -> None:
    """Queue a mail with a link for the active account of an email address; done after the visitor has the answer.

    Opens its own transactions. Nobody waits for it any more, so a database that is away is only logged.
    """
    try:
        letters = run_in_reading(_letters, email)
        run_in_transaction(_queue, letters, address, now)
    except Unavailable:
        log.warning("an ask for a forgotten password is lost: the database was away")


def _letters(session: Session, email: str) -> list[ResetMail]:
    found = account_at(session, email)
    return [_letter(found)] if found is not None and found.active else []


def _letter(account: Account) -> ResetMail:
    token = secrets.token_urlsafe(32)
    link = f"{(settings().base_url or '').rstrip('/')}/user/reset-password?token={token}"
    minutes = LINK_LASTS // timedelta(minutes=1)
    content = reset_mail(account.display_name, account.language, link, minutes)
    return ResetMail(digest(token), NewMail(account.id, Kind.RESET, account.email, *content))


def _queue(session: Session, letters: list[ResetMail], address: str, now: datetime) -> None:
    forget_expired_links(session, now)
    actor = Actor(Means.VISITOR, address=address)
    for letter in letters:
        add_link(session, letter.mail.account_id, letter.token_hash, now, now + LINK_LASTS)
        add_mail(session, letter.mail, now)
        add_entry(session, actor, _ASKED, now, account_id=letter.mail.account_id)
    if not letters:
        add_entry(session, actor, _ASKED, now)


def owner_of(session: Session, token: str, now: datetime) -> str:
    """Return the user name of the account that a link is for; changes nothing. Raises LinkEnded."""
    owner = owner_of_link(session, digest(token), now)
    if owner is None:
        raise LinkEnded
    return owner.username


def reset_password(token: str, new: str, now: datetime) -> None:
    """Set another password with a link, which uses it up; ends all sessions of the account and tells it by mail.

    Raises LinkEnded, and InvalidInput for a password that cannot be taken, which leaves the link good.
    Opens its own transactions, since hashing takes long.
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
    queue_password_notice(session, own, now)
