"""The nightly verification of all sums; `/readyz` shows the last result.

A difference is logged and counted and has no other effect: pages show the stored sums until `portal rebuild` corrects
them.
"""

import asyncio
from datetime import datetime, timedelta

from portal.actions.metering.verification import verify_nightly
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading
from portal.jobs.retrying import run_until_done
from portal.rules.jobs import Job
from portal.rules.periods import day_of, end_of_day, start_of_day
from portal.settings import settings
from portal.views.health import load_verification

AFTER_MIDNIGHT = timedelta(hours=3)
"""The start, in the budget time zone: few requests, and late events of the day before have arrived."""
SOON = timedelta(minutes=10)
TRY_AGAIN = 5 * 60.0
"""Seconds before another try after a failure."""
_NAME = "the nightly verification"


async def run_nightly() -> None:
    """Verify once every night until the task is cancelled, and soon after the start if a night was missed."""
    begins = await run_until_done(first_start, _NAME, TRY_AGAIN)
    while True:
        await asyncio.sleep(max((begins - utc_now()).total_seconds(), 0))
        await run_until_done(verify_nightly, _NAME, TRY_AGAIN, job=Job.VERIFICATION)
        begins = next_start(utc_now())


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
