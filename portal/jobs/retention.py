"""Removing old audit entries, mails and held events once a day.

Decision: every server does this; the second one finds nothing.
"""

import asyncio
import logging
from datetime import datetime

from portal.actions.retention import prune_everything
from portal.jobs.retrying import run_until_done
from portal.rules.jobs import Job

log = logging.getLogger(__name__)

SOON = 20 * 60.0
"""Seconds from the start of the server to the first run."""
EVERY = 24 * 3600.0
"""Seconds between two runs."""
TRY_AGAIN = 15 * 60.0
"""Seconds before another try after a failure."""


async def run_retention() -> None:
    """Remove old data until the task is cancelled."""
    await asyncio.sleep(SOON)
    while True:
        await run_until_done(remove_old, "the removal of old data", TRY_AGAIN, job=Job.RETENTION)
        await asyncio.sleep(EVERY)


def remove_old(now: datetime) -> int:
    """Remove all data that are older than the settings allow; return the number of removed rows. Raises Unavailable."""
    removed = prune_everything(now)
    total = sum(removed.values())
    if total:
        log.info("removed old data: %s", ", ".join(f"{count} {kept}" for kept, count in removed.items() if count))
    return total
