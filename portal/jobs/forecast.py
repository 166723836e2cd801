"""Warns those who want it of budgets that will be used up before they reset, or soon where they never do.

Decision: looked at every quarter of an hour, not with every event: a forecast needs weeks of usage, and hardly changes
with one request. Each budget is warned of once in its period, by whichever process notices it first.
"""

import asyncio
import logging
from datetime import datetime

from portal.actions.crossings import note_forecast
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.errors import Unavailable
from portal.settings import settings
from portal.views.budget import load_early_ends

log = logging.getLogger(__name__)

EVERY = 15 * 60.0
"""Seconds between looks."""
SOON = 60.0
"""Seconds until the first one; a server that has just begun has other things to do."""


async def run_forecasts() -> None:
    """Look again and again, for ever."""
    await asyncio.sleep(SOON)
    while True:
        try:
            await asyncio.to_thread(warn_all, utc_now())
        except Unavailable:
            log.warning("forecasts wait for the database")
        except Exception:
            log.exception("forecasts could not be made")
        await asyncio.sleep(EVERY)


def warn_all(now: datetime) -> int:
    """Note what will be exhausted before it resets; return how many budgets that are, also those noted before."""
    early = run_in_reading(load_early_ends, now)
    for account_id, period in early:
        run_in_transaction(note_forecast, account_id, period, settings().budget_zone, now)
    return len(early)
