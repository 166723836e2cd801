"""The outbox: messages to send by mail, webhook or chat, and their results.

The transaction that is the reason for a message queues it, so that both are stored or neither. The process that sends a
message moves its next try into the future; if that process dies, another one tries then. The text of a message is
deleted when it is sent, or given up with a link to a password. The text of other messages that were given up is kept
with them, so that an administrator can send them again.
"""

import re
import secrets
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    Update,
    cast,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.orm import Session

from portal.db.tables import OutboxMessage
from portal.rules.notifications import Channel
from portal.rules.outbox import LINKS_A_DAY, MAILS_A_DAY, MESSAGES_A_DAY, Kind, State, is_too_late, may_repeat, pause
from portal.settings import settings

NOT_SET_UP = "Mail is not set up."
NO_ADDRESS = "The account has no email address."
TOO_MANY = f"More than {MAILS_A_DAY} mails on one day."
TOO_MANY_MESSAGES = f"More than {MESSAGES_A_DAY} messages on one day."
TOO_MANY_LINKS = f"More than {LINKS_A_DAY} links for forgotten passwords on one day."
_DOMAIN = re.compile(r"[a-z0-9.-]{1,80}")
_QUEUED: ColumnElement[bool] = OutboxMessage.state == literal_column("'queued'")
"""A literal, not a parameter: only then PostgreSQL uses the index of due messages."""
_LANE = OutboxMessage.channel + ":" + cast(func.coalesce(OutboxMessage.account_id, 0), Text)


class NewMessage(NamedTuple):
    """A message to be queued; `kind` is a kind or a topic, `account_id` None for the channels of the installation."""

    account_id: int | None
    kind: str
    recipient: str
    subject: str
    text: str
    html: str
    crossing_id: int | None = None
    channel: str = Channel.MAIL


class DueMessage(NamedTuple):
    """A message that this process may send.

    `tries` includes this try, and differs once another process has the message.
    """

    id: int
    account_id: int | None
    channel: str
    kind: str
    message_id: str
    recipient: str
    subject: str
    text: str
    html: str
    tries: int
    created_at: datetime

    @property
    def lane(self) -> str:
        """The channel of an account; its messages are sent one after the other."""
        return f"{self.channel}:{self.account_id or 0}"


class Delivery(NamedTuple):
    """The state of a message; `error` is the sentence of the last failed try."""

    id: int
    account_id: int | None
    channel: str
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
    can_repeat: bool


_DELIVERY = [
    *(getattr(OutboxMessage, name) for name in Delivery._fields[:-1]),
    (OutboxMessage.state == State.FAILED) & (OutboxMessage.text != ""),
]


def add_message(session: Session, new: NewMessage, now: datetime) -> str | None:
    """Queue a message; if it cannot or must not be sent, it is stored as failed, and the reason is returned."""
    reason = _why_not(session, new, now)
    row = OutboxMessage(
        **new._asdict(),
        message_id=_new_message_id(),
        state=State.QUEUED,
        tries=0,
        next_try_at=now,
        created_at=now,
    )
    if reason is not None:
        _give_up(row, reason, now)
    session.add(row)
    session.flush()
    return reason


def _why_not(session: Session, new: NewMessage, now: datetime) -> str | None:
    is_mail = new.channel == Channel.MAIL
    if is_mail and not settings().mail_is_set_up:
        return NOT_SET_UP
    if is_mail and not new.recipient:
        return NO_ADDRESS
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    was_meant_to_go = (OutboxMessage.state != State.FAILED) | (OutboxMessage.tries > 0)
    links = func.count().filter(OutboxMessage.kind == Kind.RESET)
    own = OutboxMessage.account_id == new.account_id, OutboxMessage.channel == new.channel
    of_today = *own, OutboxMessage.created_at >= today, was_meant_to_go
    messages, resets = session.execute(select(func.count(), links).where(*of_today)).one()
    if messages >= (MAILS_A_DAY if is_mail else MESSAGES_A_DAY):
        return TOO_MANY if is_mail else TOO_MANY_MESSAGES
    return TOO_MANY_LINKS if new.kind == Kind.RESET and resets >= LINKS_A_DAY else None


def _new_message_id() -> str:
    host = urlsplit(settings().base_url or "").hostname or ""
    domain = host if _DOMAIN.fullmatch(host) else "moe-portal.local"
    return f"<{secrets.token_hex(16)}@{domain}>"


def is_any_due(connection: Connection, now: datetime) -> bool:
    """Return whether there is a message to send; this runs every few seconds and uses an index."""
    due = select(OutboxMessage.id).where(_QUEUED, OutboxMessage.next_try_at <= now)
    return connection.execute(due.limit(1)).first() is not None


def claim_due(
    session: Session, now: datetime, lease: timedelta, limit: int, *, exclude: Collection[str] = ()
) -> list[DueMessage]:
    """Return messages to send, which no other process gets during the lease; messages that are too old are given up.

    Messages that were never tried go first, so that a new one does not wait for some that fail repeatedly. The result
    has one message for each lane, and none for the lanes in `exclude`: a slow address delays nobody else.
    """
    busy = set(exclude)
    due = (
        select(OutboxMessage)
        .where(_QUEUED, OutboxMessage.next_try_at <= now, _LANE.not_in(sorted(busy)))
        .order_by(OutboxMessage.tries, OutboxMessage.next_try_at, OutboxMessage.id)
    )
    claimed = []
    for row in session.scalars(due.limit(limit).with_for_update(skip_locked=True)):
        if is_too_late(row.kind, row.created_at, now):
            _give_up(row, f"Given up: it is too old by now. {row.error or ''}".strip(), now)
            continue
        message = DueMessage(*(getattr(row, name) for name in DueMessage._fields))
        if message.lane in busy:
            continue
        busy.add(message.lane)
        row.tries += 1
        row.next_try_at = now + max(lease, pause(row.tries))  # also pauses when sending ends the process
        claimed.append(message._replace(tries=row.tries))
    return claimed


def mark_sent(session: Session, message: DueMessage, now: datetime) -> None:
    """Store that a server has accepted a message, even if another process has the message now."""
    own = update(OutboxMessage).where(OutboxMessage.id == message.id, _QUEUED)
    session.execute(own.values(state=State.SENT, error=None, finished_at=now, text="", html=""))


def put_off(session: Session, message: DueMessage, reason: str, now: datetime) -> None:
    """Store why a message was not sent, and try again after a pause; no change if another process has the message."""
    session.execute(_held(message).values(error=reason, next_try_at=now + pause(message.tries)))


def give_up(session: Session, message: DueMessage, reason: str, now: datetime) -> None:
    """Store why a message will never be sent; changes nothing if another process has the message."""
    text = {} if may_repeat(message.kind) else {"text": "", "html": ""}
    session.execute(_held(message).values(state=State.FAILED, error=reason, finished_at=now, **text))


def _held(message: DueMessage) -> Update:
    own = OutboxMessage.id == message.id, OutboxMessage.tries == message.tries
    return update(OutboxMessage).where(*own, _QUEUED)


def _give_up(row: OutboxMessage, reason: str, now: datetime) -> None:
    row.state, row.error, row.finished_at = State.FAILED, reason, now
    if not may_repeat(row.kind):
        row.text = row.html = ""


def drop_messages(
    session: Session,
    account_id: int,
    reason: str,
    now: datetime,
    *,
    kind: str | None = None,
    channel: Channel | None = None,
) -> None:
    """Give up the queued messages of an account, or those of one `kind` or `channel`.

    A message that is being sent may still arrive.
    """
    own = update(OutboxMessage).where(OutboxMessage.account_id == account_id, _QUEUED)
    if kind is not None:
        own = own.where(OutboxMessage.kind == kind)
    if channel is not None:
        own = own.where(OutboxMessage.channel == channel)
    session.execute(own.values(state=State.FAILED, error=reason, finished_at=now, text="", html=""))


def last_test(session: Session, account_id: int, channel: Channel = Channel.MAIL) -> Delivery | None:
    """Return the state of the newest test message of an account on a channel."""
    own = OutboxMessage.account_id == account_id, OutboxMessage.channel == channel, OutboxMessage.kind == Kind.TEST
    row = session.execute(select(*_DELIVERY).where(*own).order_by(OutboxMessage.id.desc()).limit(1)).first()
    return None if row is None else Delivery(*row)


def messages_of(session: Session, account_id: int, limit: int) -> Sequence[Delivery]:
    """Return the states of an account's messages, newest first."""
    own = select(*_DELIVERY).where(OutboxMessage.account_id == account_id)
    newest = own.order_by(OutboxMessage.created_at.desc(), OutboxMessage.id.desc())
    return [Delivery(*row) for row in session.execute(newest.limit(limit))]


def failed_messages(session: Session, since: datetime, limit: int) -> Sequence[Delivery]:
    """Return the messages of all accounts that failed for good since an instant, newest first; for operators."""
    failed = select(*_DELIVERY).where(OutboxMessage.state == State.FAILED, OutboxMessage.finished_at >= since)
    newest = failed.order_by(OutboxMessage.finished_at.desc(), OutboxMessage.id.desc()).limit(limit)
    return [Delivery(*row) for row in session.execute(newest)]


def failed_message(session: Session, message_id: int) -> OutboxMessage | None:
    """Return a message that was given up, and lock it."""
    failed = select(OutboxMessage).where(OutboxMessage.id == message_id, OutboxMessage.state == State.FAILED)
    return session.scalar(failed.with_for_update())


class OutboxCounts(NamedTuple):
    """The numbers of messages that wait, and of those that were given up; `waits_since` is the age of the oldest."""

    queued: int
    waits_since: datetime | None
    failed: int


def count_messages(session: Session, since: datetime) -> OutboxCounts:
    """Return how many messages wait, and how many were given up since an instant; both by index."""
    queued, oldest = session.execute(select(func.count(), func.min(OutboxMessage.created_at)).where(_QUEUED)).one()
    failed = select(func.count()).where(OutboxMessage.state == literal_column("'failed'"))
    return OutboxCounts(queued, oldest, session.scalar(failed.where(OutboxMessage.finished_at >= since)) or 0)


def remove_finished(session: Session, before: datetime, limit: int) -> int:
    """Delete the oldest messages that were written before an instant and do not wait; return their number.

    At most `limit`.
    """
    old = select(OutboxMessage.id).where(OutboxMessage.created_at < before, OutboxMessage.state != State.QUEUED)
    ids = list(session.scalars(old.order_by(OutboxMessage.created_at).limit(limit)))
    session.execute(delete(OutboxMessage).where(OutboxMessage.id.in_(ids)))
    return len(ids)
