"""Notifying administrators of what needs them, such as a gateway that does not report any more.

Decision: the job looks once a minute, so that the causes, such as the storing of events, stay as quick as they are. The
database has what was notified of, so several servers notify once.
"""

import asyncio

from portal.actions.operations import watch
from portal.db.sql.session import run_in_transaction
from portal.jobs.retrying import run_until_done
from portal.settings import settings

EVERY = 60.0
"""Seconds between two looks."""


async def run_operations() -> None:
    """Look until the task is cancelled; return at once in the desktop program."""
    if settings().is_desktop:
        return
    while True:
        await asyncio.sleep(EVERY)
        await run_until_done(lambda now: run_in_transaction(watch, now), "the notification of administrators", EVERY)
