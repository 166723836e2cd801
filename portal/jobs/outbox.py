"""Sending the queued mails of all processes.

Decisions: the job polls the database every two seconds with an indexed query. A mail is claimed in one transaction,
sent outside of transactions, and marked in another transaction. If the process dies in between, the mail is sent again
after its lease, with the same Message-ID, so no mail is lost. It is sent twice only if the process dies after the
server has accepted it and before that is stored. The log has the numbers of mails, never recipients or texts.
"""

import asyncio
import logging
from collections.abc import Collection

from portal.actions.outbox import DeliveryOutcome, DueMessage, claim_messages, note_delivery
from portal.clock import utc_now
from portal.db.sql.session import in_transaction
from portal.errors import Unavailable
from portal.mails import Content
from portal.mails.delivery import NotNow, Refused, compose_mail, hand_over, take_leave
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
    """Send due mails until the task is cancelled; return at once if mail is not set up."""
    if not settings().mail_is_set_up:
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


async def deliver(mail: DueMessage) -> None:
    """Send a mail and store the outcome."""
    try:
        content = Content(mail.subject, mail.text, mail.html)
        ready = compose_mail(settings(), mail.recipient, content, mail.message_id, mail.created_at)
        client = await hand_over(settings(), mail.recipient, ready)
    except Refused as error:
        log.warning("mail %d (%s) is given up: %s", mail.id, mail.kind, _discreet(error, mail))
        await _note(mail, DeliveryOutcome.REFUSED, str(error))
    except NotNow as error:
        log.warning("mail %d (%s) waits after try %d: %s", mail.id, mail.kind, mail.tries, _discreet(error, mail))
        await _note(mail, DeliveryOutcome.POSTPONED, str(error))
    except Exception:
        log.exception("mail %d (%s) waits after try %d, for a bug", mail.id, mail.kind, mail.tries)
        await _note(mail, DeliveryOutcome.POSTPONED, "The portal has failed; its log says why.")
    else:
        await _note(mail, DeliveryOutcome.SENT)
        log.info("mail %d (%s) is sent", mail.id, mail.kind)
        await take_leave(client)


def _discreet(error: Exception, mail: DueMessage) -> str:
    """Return the message of a mail server without the address of the recipient."""
    return str(error).replace(mail.recipient, "…")


async def _note(mail: DueMessage, outcome: DeliveryOutcome, reason: str = "") -> None:
    """Store the outcome of a mail; repeat until the database is available, since nothing else has the outcome."""
    while True:
        try:
            return await in_transaction(note_delivery, mail, outcome, reason, utc_now())
        except Unavailable:
            await asyncio.sleep(TRY_AGAIN)
