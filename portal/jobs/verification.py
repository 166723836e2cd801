"""The nightly verification of all sums; `/readyz` shows the last result.

A difference is logged and counted and has no other effect: pages show the stored sums until `portal rebuild` corrects
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
"""The start, in the budget time zone: few requests, and late events of the day before have arrived."""
SOON = timedelta(minutes=10)
TRY_AGAIN = timedelta(minutes=5)


async def run_nightly() -> None:
    """Verify once every night until the task is cancelled, and soon after the start if a night was missed."""
    begins = await _run_until_done(first_start)
    while True:
        await asyncio.sleep(max((begins - utc_now()).total_seconds(), 0))
        await _run_until_done(verify_nightly)
        begins = next_start(utc_now())


async def _run_until_done(work: Callable[[datetime], T]) -> T:
    """Run `work` on a thread, again after every failure, until it succeeds; return its result."""
    while True:
        try:
            return await asyncio.to_thread(work, utc_now())
        except Unavailable:
            log.warning("the nightly verification waits for the database")
        except Exception:
            log.exception("the nightly verification has failed")
        await asyncio.sleep(TRY_AGAIN.total_seconds())


def first_start(now: datetime) -> datetime:
    """Return when to verify first after a start of the server (UTC): soon if the last night was missed."""
    last = run_in_reading(load_verification)
    is_missed = last is None or last.started_at < now - timedelta(days=1)
    return min(next_start(now), now + SOON) if is_missed else next_start(now)


def next_start(now: datetime) -> datetime:
    """Return when the next verification begins (UTC)."""
    tz = settings().budget_zone
    today = day_of(now, tz)
    start = start_of_day(today, tz) + AFTER_MIDNIGHT
    return start if now < start else end_of_day(today, tz) + AFTER_MIDNIGHT
