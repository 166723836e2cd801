"""Warning accounts of budgets that will be used up before they reset, or soon if they never reset.

Decision: the check runs every 15 minutes, not with every event: a forecast needs weeks of usage and hardly changes with
one request. A budget causes one warning in its period, from the first process that finds it. The same check warns
accounts that are above a threshold since an allowance has ended: no event and no change of theirs would find it.
"""

import asyncio
from datetime import datetime, timedelta

from portal.actions.spending.allowances import note_limit_after_allowances
from portal.actions.spending.crossings import note_forecast
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.jobs.retrying import run_until_done
from portal.rules.jobs import Job
from portal.settings import settings
from portal.views.spending.allowances import ended_between
from portal.views.spending.budget import load_early_ends

EVERY = 15 * 60.0
"""Seconds between two checks."""
_LOOKS_BACK = timedelta(days=1)
"""Age of the ends of allowances that are checked; a server that was stopped for longer has new periods then."""
SOON = 60.0
"""Seconds from the start of the server to the first check."""


async def run_forecasts() -> None:
    """Check until the task is cancelled."""
    await asyncio.sleep(SOON)
    while True:
        await run_until_done(warn_all, "the forecast", EVERY, job=Job.FORECASTS)
        await asyncio.sleep(EVERY)


def warn_all(now: datetime) -> int:
    """Store which budgets will be exhausted early; return their number, also of those stored before."""
    for account_id in run_in_reading(ended_between, now - _LOOKS_BACK, now):
        run_in_transaction(note_limit_after_allowances, account_id, now)
    early = run_in_reading(load_early_ends, now)
    for account_id, period in early:
        run_in_transaction(note_forecast, account_id, period, settings().budget_zone, now)
    return len(early)
