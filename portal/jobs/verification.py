"""The nightly proof that the sums are the sums; `/readyz` tells how the last one went.

A difference is logged and counted, and stops nothing: people see the sums as before, until `portal rebuild` corrects
them.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from portal.actions.verification import verify_nightly
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading
from portal.errors import Unavailable
from portal.rules.periods import day_of, end_of_day, start_of_day
from portal.settings import settings
from portal.views.health import load_verification

T = TypeVar("T")

log = logging.getLogger(__name__)

AFTER_MIDNIGHT = timedelta(hours=3)
"""When it begins, in the budget time zone: a quiet hour, with the late events of the day before in."""
SOON = timedelta(minutes=10)
TRY_AGAIN = timedelta(minutes=5)


async def run_nightly() -> None:
    """Verify once every night, for ever, and soon after the start if that was missed."""
    begins = await _insist(first_start)
    while True:
        await asyncio.sleep(max((begins - utc_now()).total_seconds(), 0))
        await _insist(verify_nightly)
        begins = next_start(utc_now())


async def _insist(work: Callable[[datetime], T]) -> T:
    """Do something on a thread; what fails is tried again after a while, whatever it was: nobody else would do it."""
    while True:
        try:
            return await asyncio.to_thread(work, utc_now())
        except Unavailable:
            log.warning("the nightly verification waits for the database")
        except Exception:
            log.exception("the nightly verification has failed")
        await asyncio.sleep(TRY_AGAIN.total_seconds())


def first_start(now: datetime) -> datetime:
    """Return when to begin after a start (UTC): a portal that is switched off at night makes up for it soon."""
    last = run_in_reading(load_verification)
    is_missed = last is None or last.started_at < now - timedelta(days=1)
    return min(next_start(now), now + SOON) if is_missed else next_start(now)


def next_start(now: datetime) -> datetime:
    """Return when the next verification begins (UTC)."""
    tz = settings().budget_zone
    today = day_of(now, tz)
    start = start_of_day(today, tz) + AFTER_MIDNIGHT
    return start if now < start else end_of_day(today, tz) + AFTER_MIDNIGHT
