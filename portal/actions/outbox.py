"""Test mails and notices to accounts, and the delivery of queued messages."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator, own_account
from portal.actions.notifications import order_of
from portal.channels.sending import Order
from portal.db.audit import add_entry
from portal.db.notifications import installation_targets, targets_of
from portal.db.outbox import DueMessage as DueMessage  # noqa: PLC0414  # for jobs, which do not import db
from portal.db.outbox import (
    NewMessage,
    add_message,
    claim_due,
    failed_message,
    give_up,
    is_any_due,
    mark_sent,
    put_off,
)
from portal.db.people.accounts import account as account_with
from portal.db.spending.alerts import alert_settings
from portal.db.sql.session import run_in_glance, run_in_transaction
from portal.db.tables import Account, OutboxMessage
from portal.errors import Conflict, NotFound
from portal.mails import Content, test_mail
from portal.rules.messages import message
from portal.rules.notifications import Channel, signature
from portal.rules.outbox import Kind
from portal.rules.people.actors import Actor
from portal.rules.periods import zone_or
from portal.settings import settings
from portal.version import version
from portal.words.stored_reasons import stored_sentence


def send_test_mail(session: Session, actor: Actor, now: datetime) -> str:
    """Queue a mail to the address for an account's alerts, and return this address.

    Raises Conflict with the reason if no mail can be sent, and NotSignedIn if the account is suspended.
    """
    own = own_account(session, actor)
    recipient = alert_settings(session, own.id).email or own.email
    content = test_mail(own.display_name, own.language, settings().base_url or "")
    reason = add_message(session, NewMessage(own.id, Kind.TEST, recipient, *content), now)
    if reason is not None:
        raise Conflict(stored_sentence(reason))
    add_entry(session, actor, "mail.test", now, account_id=own.id)
    return recipient


def queue_notice(
    session: Session, account: Account, write: Callable[[str, str, datetime, ZoneInfo], Content], now: datetime
) -> None:
    """Queue the mail that `write` returns to the present address of an account, if mail is set up."""
    if settings().mail_is_set_up and account.email:
        tz = zone_or(account.time_zone, settings().budget_zone)
        content = write(account.display_name, account.language, now, tz)
        add_message(session, NewMessage(account.id, Kind.NOTICE, account.email, *content), now)


def repeat_message(session: Session, actor: Actor, message_id: int, now: datetime) -> str:
    """Queue a message that was given up once more, as a new one to the present address; return this address.

    Raises Forbidden, NotFound, and Conflict if its text is not kept or nothing can be sent now.
    """
    check_administrator(session, actor)
    row = failed_message(session, message_id)
    if row is None:
        raise NotFound(message("There is no such message."))
    if not row.text:
        raise Conflict(message("The text of this message is not kept, so it cannot be sent again."))
    recipient = _present_address(session, row)
    new = NewMessage(row.account_id, row.kind, recipient, row.subject, row.text, row.html, channel=row.channel)
    reason = add_message(session, new, now)
    if reason is not None:
        raise Conflict(stored_sentence(reason))
    row.text = row.html = ""
    add_entry(
        session, actor, "mail.retry", now, account_id=row.account_id, message=row.id, kind=row.kind, channel=row.channel
    )
    return recipient


def _present_address(session: Session, row: OutboxMessage) -> str:
    own = account_with(session, row.account_id) if row.account_id and row.channel == Channel.MAIL else None
    if own is None:
        return row.recipient
    return (alert_settings(session, own.id).email if row.kind == Kind.ALERT else None) or own.email


class DeliveryOutcome(StrEnum):
    """The outcome of handing a mail to a mail server."""

    SENT = "sent"
    POSTPONED = "postponed"
    REFUSED = "refused"


def claim_messages(limit: int, now: datetime, *, exclude: Collection[str] = ()) -> list[DueMessage]:
    """Return due messages, at most one for each lane, and lease them for three times the longest timeout.

    Leaves out messages of the lanes in `exclude`. Opens its own transaction. Raises Unavailable.
    """
    if not run_in_glance(is_any_due, now):
        return []
    lease = timedelta(seconds=3 * max(settings().smtp_timeout, settings().notify_timeout))
    return run_in_transaction(claim_due, now, lease, limit, exclude=exclude)


def delivery_order(session: Session, due: DueMessage, now: datetime) -> Order | None:
    """Return the order to deliver a message to a webhook or chat service; None if its address was removed.

    The present address gets it. The timestamp that is signed is that of this try.
    """
    channel, is_own = Channel(due.channel), due.account_id is not None
    targets = targets_of(session, due.account_id) if due.account_id is not None else installation_targets()
    target = targets.get(channel)
    if target is None:
        return None
    order = order_of(channel, target.url, is_private=settings().notify_private_addresses or not is_own)
    headers = _signed(due, target.secret or "", int(now.timestamp())) if channel is Channel.WEBHOOK else {}
    return replace(order, title=due.subject, text=due.text, headers=headers)


def _signed(due: DueMessage, secret: str, timestamp: int) -> dict[str, str]:
    """Return the headers of a webhook; the id is the same in all tries, so that a receiver can ignore repetitions."""
    return {
        "Content-Type": "application/json",
        "User-Agent": f"MoE-Portal/{version()}",
        "X-MoE-Portal-Id": due.message_id.strip("<>"),
        "X-MoE-Portal-Timestamp": str(timestamp),
        "X-MoE-Portal-Signature": f"sha256={signature(secret, timestamp, due.text.encode())}",
    }


def note_delivery(session: Session, mail: DueMessage, outcome: DeliveryOutcome, reason: str, now: datetime) -> None:
    """Store the outcome of a claimed mail, with the reason if it was not sent."""
    if outcome is DeliveryOutcome.SENT:
        mark_sent(session, mail, now)
    elif outcome is DeliveryOutcome.POSTPONED:
        put_off(session, mail, reason, now)
    else:
        give_up(session, mail, reason, now)
