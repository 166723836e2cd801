"""Warns those who want it of budgets that will be used up before they reset, or soon where they never do.

Decision: looked at every quarter of an hour, not with every event: a forecast needs weeks of usage, and hardly changes
with one request. Each budget is told of once in its period, whichever process sees it first, whatever follows.
"""

import asyncio
import logging
from datetime import datetime

from sqlalchemy.orm import Session

from portal.actions.crossings import note_forecast
from portal.clock import utc_now
from portal.db.alerts import accounts_with_forecast
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.errors import Unavailable
from portal.rules.periods import Period
from portal.settings import settings
from portal.views.budget import load_budgets, with_outlooks

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
    """Note what will be exhausted before it resets; return how many budgets that are, told of before or not."""
    ending = 0
    for account_id in run_in_reading(accounts_with_forecast):
        for period in run_in_reading(ending_early, account_id, now):
            run_in_transaction(note_forecast, account_id, period, settings().budget_zone, now)
            ending += 1
    return ending


def ending_early(session: Session, account_id: int, now: datetime) -> list[Period]:
    """Return which of an account's budgets will be used up early, at its own pace."""
    budgets = with_outlooks(session, account_id, load_budgets(session, account_id, now), now)
    return [view.period for view in budgets.all if view.outlook is not None and view.outlook.ends_early]
