"""Notifications of the desktop program when a budget crosses a threshold.

Decision: the job polls the database every two seconds with one small query, as the outbox does, so that it does not
matter which part of the program stores a crossing. The system is called on a thread and has a few seconds for it.
"""

import asyncio
import logging
from datetime import datetime

from portal.actions.spending.crossings import Notice, claim_notices, is_any_notice_due
from portal.db.sql.session import run_in_glance, run_in_transaction
from portal.jobs.retrying import run_until_done
from portal.settings import settings
from portal.system.notices import CannotNotify, show_notice
from portal.words import speaking
from portal.words.alerts import alert_sentence, consumed_of

log = logging.getLogger(__name__)

EVERY = 2.0
"""Seconds between two polls of the database."""


async def run_notices() -> None:
    """Show new crossings until the task is cancelled; return at once unless this is the desktop program."""
    if not settings().is_desktop:
        return
    while True:
        await run_until_done(show_new, "the notification", EVERY)
        await asyncio.sleep(EVERY)


def show_new(now: datetime) -> int:
    """Show the crossings that were not shown before; return how many the system has taken. Raises Unavailable."""
    if not run_in_glance(is_any_notice_due, now):
        return 0
    return sum(map(_show, run_in_transaction(claim_notices, now)))


def _show(notice: Notice) -> bool:
    try:
        show_notice(*texts(notice))
    except CannotNotify as error:
        log.warning("a budget alert was not shown: %s", error)
        return False
    return True


def texts(notice: Notice) -> tuple[str, str]:
    """Return title and text of a notification."""
    with speaking(notice.language):
        title = alert_sentence(notice.period, notice.kind, notice.threshold)
        return title, consumed_of(notice.consumed, notice.limit)
