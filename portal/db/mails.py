"""The outbox: mails to send, and their results.

The transaction that is the reason for a mail queues it, so that both are stored or neither. The process that sends a
mail moves its next try into the future; if that process dies, another one tries then. The text of a mail is deleted
when it is sent or given up, since it may have a link for a forgotten password.
"""

import re
import secrets
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, Connection, Update, func, literal_column, select, update
from sqlalchemy.orm import Session

from portal.db.tables import Mail
from portal.rules.mails import LINKS_A_DAY, MAILS_A_DAY, Kind, State, is_too_late, pause
from portal.settings import settings

NOT_SET_UP = "Mail is not set up."
NO_ADDRESS = "The account has no email address."
TOO_MANY = f"More than {MAILS_A_DAY} mails on one day."
TOO_MANY_LINKS = f"More than {LINKS_A_DAY} links for forgotten passwords on one day."
_DOMAIN = re.compile(r"[a-z0-9.-]{1,80}")
_QUEUED: ColumnElement[bool] = Mail.state == literal_column("'queued'")
"""A literal, not a parameter: only then PostgreSQL uses the index of due mails."""


class NewMail(NamedTuple):
    """A mail to be queued; `kind` is alert, test, reset or notice."""

    account_id: int
    kind: str
    recipient: str
    subject: str
    text: str
    html: str
    crossing_id: int | None = None


class DueMail(NamedTuple):
    """A mail that this process may send; `tries` includes this try, and differs once another process has the mail."""

    id: int
    account_id: int
    kind: str
    message_id: str
    recipient: str
    subject: str
    text: str
    html: str
    tries: int
    created_at: datetime


class Delivery(NamedTuple):
    """The state of a mail; `error` is the sentence of the last failed try."""

    id: int
    account_id: int
    crossing_id: int | None
    kind: str
    recipient: str
    subject: str
    state: str
    tries: int
    next_try_at: datetime
    error: str | None
    created_at: datetime
    finished_at: datetime | None


_DELIVERY = [getattr(Mail, name) for name in Delivery._fields]


def add_mail(session: Session, new: NewMail, now: datetime) -> None:
    """Queue a mail; a mail that cannot or must not be sent is stored as failed, with the reason."""
    reason = _why_not(session, new, now)
    mail = Mail(
        **new._asdict(),
        message_id=_new_message_id(),
        state=State.QUEUED,
        tries=0,
        next_try_at=now,
        created_at=now,
    )
    if reason is not None:
        _give_up(mail, reason, now)
    session.add(mail)
    session.flush()


def _why_not(session: Session, new: NewMail, now: datetime) -> str | None:
    if not settings().mail_is_set_up:
        return NOT_SET_UP
    if not new.recipient:
        return NO_ADDRESS
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    was_meant_to_go = (Mail.state != State.FAILED) | (Mail.tries > 0)
    links = func.count().filter(Mail.kind == Kind.RESET)
    of_today = Mail.account_id == new.account_id, Mail.created_at >= today, was_meant_to_go
    mails, resets = session.execute(select(func.count(), links).where(*of_today)).one()
    if mails >= MAILS_A_DAY:
        return TOO_MANY
    return TOO_MANY_LINKS if new.kind == Kind.RESET and resets >= LINKS_A_DAY else None


def _new_message_id() -> str:
    host = urlsplit(settings().base_url or "").hostname or ""
    domain = host if _DOMAIN.fullmatch(host) else "moe-portal.local"
    return f"<{secrets.token_hex(16)}@{domain}>"


def is_any_due(connection: Connection, now: datetime) -> bool:
    """Return whether there is a mail to send; this runs every few seconds and uses an index."""
    return connection.execute(select(Mail.id).where(_QUEUED, Mail.next_try_at <= now).limit(1)).first() is not None


def claim_due(
    session: Session, now: datetime, lease: timedelta, limit: int, *, exclude: Collection[int] = ()
) -> list[DueMail]:
    """Return mails to send, which no other process gets during the lease; mails that are too old are given up.

    Mails that were never tried go first, so that a new mail does not wait for mails that fail repeatedly. The result
    has one mail for each account, and none for the accounts in `exclude`: a slow address delays nobody else.
    """
    busy = set(exclude)
    due = (
        select(Mail)
        .where(_QUEUED, Mail.next_try_at <= now, Mail.account_id.not_in(sorted(busy)))
        .order_by(Mail.tries, Mail.next_try_at, Mail.id)
    )
    claimed = []
    for mail in session.scalars(due.limit(limit).with_for_update(skip_locked=True)):
        if is_too_late(mail.kind, mail.created_at, now):
            _give_up(mail, f"Given up: it is too old by now. {mail.error or ''}".strip(), now)
            continue
        if mail.account_id in busy:
            continue
        busy.add(mail.account_id)
        mail.tries += 1
        mail.next_try_at = now + max(lease, pause(mail.tries))  # also pauses when sending ends the process
        claimed.append(DueMail(*(getattr(mail, name) for name in DueMail._fields)))
    return claimed


def mark_sent(session: Session, mail: DueMail, now: datetime) -> None:
    """Store that a mail server has accepted a mail, even if another process has the mail now."""
    own = update(Mail).where(Mail.id == mail.id, _QUEUED)
    session.execute(own.values(state=State.SENT, error=None, finished_at=now, text="", html=""))


def put_off(session: Session, mail: DueMail, reason: str, now: datetime) -> None:
    """Store why a mail was not sent, and try again after a pause; changes nothing if another process has the mail."""
    session.execute(_held(mail).values(error=reason, next_try_at=now + pause(mail.tries)))


def give_up(session: Session, mail: DueMail, reason: str, now: datetime) -> None:
    """Store why a mail will never be sent; changes nothing if another process has the mail."""
    session.execute(_held(mail).values(state=State.FAILED, error=reason, finished_at=now, text="", html=""))


def _held(mail: DueMail) -> Update:
    return update(Mail).where(Mail.id == mail.id, _QUEUED, Mail.tries == mail.tries)


def _give_up(mail: Mail, reason: str, now: datetime) -> None:
    mail.state, mail.error, mail.finished_at = State.FAILED, reason, now
    mail.text = mail.html = ""


def drop_mails(session: Session, account_id: int, reason: str, now: datetime, *, kind: Kind | None = None) -> None:
    """Give up the queued mails of an account, or those of one `kind`; a mail that is being sent may still arrive."""
    own = update(Mail).where(Mail.account_id == account_id, _QUEUED)
    if kind is not None:
        own = own.where(Mail.kind == kind)
    session.execute(own.values(state=State.FAILED, error=reason, finished_at=now, text="", html=""))


def last_test(session: Session, account_id: int) -> Delivery | None:
    """Return the state of the newest test mail of an account."""
    own = select(*_DELIVERY).where(Mail.account_id == account_id, Mail.kind == Kind.TEST)
    row = session.execute(own.order_by(Mail.id.desc()).limit(1)).first()
    return None if row is None else Delivery(*row)


def mails_of(session: Session, account_id: int, limit: int) -> Sequence[Delivery]:
    """Return the states of an account's mails, newest first."""
    own = select(*_DELIVERY).where(Mail.account_id == account_id).order_by(Mail.created_at.desc(), Mail.id.desc())
    return [Delivery(*row) for row in session.execute(own.limit(limit))]


def failed_mails(session: Session, since: datetime, limit: int) -> Sequence[Delivery]:
    """Return the mails of all accounts that failed for good since an instant, newest first; for the administrator."""
    failed = select(*_DELIVERY).where(Mail.state == State.FAILED, Mail.finished_at >= since)
    newest = failed.order_by(Mail.finished_at.desc(), Mail.id.desc()).limit(limit)
    return [Delivery(*row) for row in session.execute(newest)]
