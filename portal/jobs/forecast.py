"""Warning accounts of budgets that will be used up before they reset, or soon if they never reset.

Decision: the check runs every 15 minutes, not with every event: a forecast needs weeks of usage and hardly changes with
one request. A budget causes one warning in its period, from the first process that finds it.
"""

import asyncio
from datetime import datetime

from portal.actions.spending.crossings import note_forecast
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.jobs.retrying import run_until_done
from portal.settings import settings
from portal.views.spending.budget import load_early_ends

EVERY = 15 * 60.0
"""Seconds between two checks."""
SOON = 60.0
"""Seconds from the start of the server to the first check."""


async def run_forecasts() -> None:
    """Check until the task is cancelled."""
    await asyncio.sleep(SOON)
    while True:
        await run_until_done(warn_all, "the forecast", EVERY)
        await asyncio.sleep(EVERY)


def warn_all(now: datetime) -> int:
    """Store which budgets will be exhausted early; return their number, also of those stored before."""
    early = run_in_reading(load_early_ends, now)
    for account_id, period in early:
        run_in_transaction(note_forecast, account_id, period, settings().budget_zone, now)
    return len(early)
