"""Sends the mails that wait in the database, also those that another process has queued.

Decisions: the database is asked every two seconds, which an index answers, so nobody has to wake anybody. A mail is
claimed in a transaction, sent outside of any, and marked in another one: a process that dies in between leaves a mail
that is sent again after its lease, with the same Message-ID, and so never loses one. Twice it is sent only if the
process dies after the server has taken it and before that is written down. The log names mails by their number, never
who gets them or what they say.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from datetime import timedelta

from portal.clock import utc_now
from portal.db.mails import DueMail, claim_due, give_up, is_any_due, mark_sent, put_off
from portal.db.sql.session import in_transaction, run_in_glance, run_in_transaction
from portal.errors import Unavailable
from portal.mails import Content
from portal.mails.delivery import NotNow, Refused, hand_over, message, take_leave
from portal.settings import settings

log = logging.getLogger(__name__)

EVERY = 2.0
"""Seconds between looks at the database."""
TRY_AGAIN = 10.0
"""Seconds to leave a database alone that is away."""
AT_ONCE = 5
"""How many mails are on their way at the same time, so that one that hangs does not hold up the others."""
FINISHED_WITHIN = 2.5
"""Seconds that mails on their way have when the server stops."""


async def run_outbox() -> None:
    """Send what is due, for ever; at once done with where mail is not set up."""
    if not settings().mail_is_set_up:
        return
    under_way: dict[asyncio.Task[None], int] = {}
    try:
        while True:
            claimed = await _claimed(AT_ONCE - len(under_way), set(under_way.values()))
            under_way |= {asyncio.create_task(deliver(mail)): mail.account_id for mail in claimed}
            if under_way:
                done, _ = await asyncio.wait(under_way, timeout=EVERY, return_when=asyncio.FIRST_COMPLETED)
                under_way = {task: account for task, account in under_way.items() if task not in done}
            else:
                await asyncio.sleep(EVERY)
    finally:
        if under_way:
            await asyncio.wait(under_way, timeout=FINISHED_WITHIN)
        for task in under_way:
            task.cancel()


async def _claimed(limit: int, busy: Collection[int]) -> list[DueMail]:
    """Return mails to be sent; none where even that fails, after a while in which the database may come back."""
    try:
        return await asyncio.to_thread(claim, limit, busy) if limit else []
    except Unavailable:
        log.warning("mails wait for the database")
    except Exception:
        log.exception("mails could not be looked for")
    await asyncio.sleep(TRY_AGAIN)
    return []


def claim(limit: int, busy: Collection[int] = ()) -> list[DueMail]:
    """Return due mails of accounts that are not `busy`; ours for three times as long as sending one may take.

    Raises Unavailable.
    """
    now = utc_now()
    if not run_in_glance(is_any_due, now):
        return []
    return run_in_transaction(claim_due, now, timedelta(seconds=3 * settings().smtp_timeout), limit, exclude=busy)


async def deliver(mail: DueMail) -> None:
    """Send a mail and write down what came of it."""
    try:
        content = Content(mail.subject, mail.text, mail.html)
        ready = message(settings(), mail.recipient, content, mail.message_id, mail.created_at)
        client = await hand_over(settings(), mail.recipient, ready)
    except Refused as error:
        log.warning("mail %d (%s) is given up: %s", mail.id, mail.kind, _discreet(error, mail))
        await _write_down(give_up, mail, str(error))
    except NotNow as error:
        log.warning("mail %d (%s) waits after try %d: %s", mail.id, mail.kind, mail.tries, _discreet(error, mail))
        await _write_down(put_off, mail, str(error))
    except Exception:
        log.exception("mail %d (%s) waits after try %d, for a bug", mail.id, mail.kind, mail.tries)
        await _write_down(put_off, mail, "The portal has failed; its log says why.")
    else:
        await _write_down(mark_sent, mail)
        log.info("mail %d (%s) is sent", mail.id, mail.kind)
        await take_leave(client)


def _discreet(error: Exception, mail: DueMail) -> str:
    """Return what a server said without the address, which many repeat."""
    return str(error).replace(mail.recipient, "…")


async def _write_down(work: Callable[..., None], mail: DueMail, *reason: str) -> None:
    """Write down what came of a mail, however long the database is away: nobody else knows."""
    while True:
        try:
            return await in_transaction(work, mail, *reason, utc_now())
        except Unavailable:
            await asyncio.sleep(TRY_AGAIN)
