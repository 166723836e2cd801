"""Sending the queued messages of all processes, by mail, to webhooks and to chat services.

Decisions: the job polls the database every two seconds with an indexed query. A message is claimed in one transaction,
sent outside of transactions, and marked in another transaction. If the process dies in between, the message is
sent again after its lease, with the same id, so none is lost. It is sent twice only if the process dies after the
server has accepted it and before that is stored. The log has the numbers of messages, never recipients or texts.
"""

import asyncio
import logging
from collections.abc import Collection

from aiosmtplib import SMTP

from portal.actions.outbox import DeliveryOutcome, DueMessage, claim_messages, delivery_order, note_delivery
from portal.channels.sending import send_order
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import Unavailable
from portal.mails import Content
from portal.mails.delivery import compose_mail, hand_over, take_leave
from portal.rules.notifications import Channel
from portal.rules.outbox import NotNow, Refused
from portal.settings import settings

log = logging.getLogger(__name__)

EVERY = 2.0
"""Seconds between two polls of the database."""
TRY_AGAIN = 10.0
"""Seconds to wait while the database is unavailable."""
AT_ONCE = 5
"""Number of mails that are sent at the same time, so that a slow mail does not delay the others."""
FINISHED_WITHIN = 2.5
"""Seconds for mails that are being sent when the server stops."""


async def run_outbox() -> None:
    """Send due messages until the task is cancelled; return at once in the desktop program, which has none."""
    if settings().is_desktop:
        return
    under_way: dict[asyncio.Task[None], str] = {}
    try:
        while True:
            claimed = await _claimed(AT_ONCE - len(under_way), set(under_way.values()))
            under_way |= {asyncio.create_task(deliver(mail)): mail.lane for mail in claimed}
            if under_way:
                done, _ = await asyncio.wait(under_way, timeout=EVERY, return_when=asyncio.FIRST_COMPLETED)
                under_way = {task: lane for task, lane in under_way.items() if task not in done}
            else:
                await asyncio.sleep(EVERY)
    finally:
        if under_way:
            await asyncio.wait(under_way, timeout=FINISHED_WITHIN)
        for task in under_way:
            task.cancel()


async def _claimed(limit: int, busy: Collection[str]) -> list[DueMessage]:
    """Return mails to send; after an error, wait and return none."""
    try:
        return await asyncio.to_thread(claim_messages, limit, utc_now(), exclude=busy) if limit else []
    except Unavailable:
        log.warning("mails wait for the database")
    except Exception:
        log.exception("mails could not be looked for")
    await asyncio.sleep(TRY_AGAIN)
    return []


async def deliver(due: DueMessage) -> None:
    """Send a message and store the outcome."""
    client = None
    try:
        if due.channel == Channel.MAIL:
            client = await _send_mail(due)
        else:
            await _send_elsewhere(due)
    except Refused as error:
        log.warning("%s %d (%s) is given up: %s", due.channel, due.id, due.kind, _discreet(error, due))
        await _note(due, DeliveryOutcome.REFUSED, str(error))
    except NotNow as error:
        reason = _discreet(error, due)
        log.warning("%s %d (%s) waits after try %d: %s", due.channel, due.id, due.kind, due.tries, reason)
        await _note(due, DeliveryOutcome.POSTPONED, str(error))
    except Exception:
        log.exception("%s %d (%s) waits after try %d, for a bug", due.channel, due.id, due.kind, due.tries)
        await _note(due, DeliveryOutcome.POSTPONED, "The portal has failed; its log says why.")
    else:
        await _note(due, DeliveryOutcome.SENT)
        log.info("%s %d (%s) is sent", due.channel, due.id, due.kind)
        if client is not None:
            await take_leave(client)


async def _send_mail(due: DueMessage) -> SMTP:
    """Hand a mail over, and return the open connection. Raises Refused and NotNow."""
    if not settings().mail_is_set_up:
        raise NotNow("Mail is not set up.")
    content = Content(due.subject, due.text, due.html)
    ready = compose_mail(settings(), due.recipient, content, due.message_id, due.created_at)
    return await hand_over(settings(), due.recipient, ready)


async def _send_elsewhere(due: DueMessage) -> None:
    """Send a message to a webhook or a chat service. Raises Refused and NotNow."""
    try:
        order = await in_reading(delivery_order, due, utc_now())
    except Unavailable as error:
        raise NotNow(str(error)) from error
    if order is None:
        raise Refused("The address was removed or replaced.")
    await send_order(order)


def _discreet(error: Exception, due: DueMessage) -> str:
    """Return the message of a mail server without the address of the recipient."""
    return str(error).replace(due.recipient, "…") if due.recipient else str(error)


async def _note(mail: DueMessage, outcome: DeliveryOutcome, reason: str = "") -> None:
    """Store the outcome of a mail; repeat until the database is available, since nothing else has the outcome."""
    while True:
        try:
            return await in_transaction(note_delivery, mail, outcome, reason, utc_now())
        except Unavailable:
            await asyncio.sleep(TRY_AGAIN)
