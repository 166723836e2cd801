"""The nightly proof that the sums are the sums; `/readyz` tells how the last one went.

A difference is logged and told, and stops nothing: people see the sums as before, until `portal rebuild` mends them.
"""

import asyncio
import logging
from datetime import datetime, timedelta

from portal.actions.ledger import verify_account
from portal.clock import utc_now
from portal.db.accounts import all_accounts
from portal.db.counters import count_requests
from portal.db.session import database, run_in_reading, run_in_transaction
from portal.db.verifications import begin, finish
from portal.errors import Unavailable
from portal.rules.periods import day_of, end_of_day, start_of_day
from portal.settings import settings

log = logging.getLogger(__name__)

AFTER_MIDNIGHT = timedelta(hours=3)
"""When it begins, in the budget time zone: a quiet hour, with the late events of the day before in."""
TRY_AGAIN = timedelta(minutes=5)


async def run_nightly() -> None:
    """Verify once every night, for ever; a database that is away is tried again."""
    while True:
        await asyncio.sleep((next_start(utc_now()) - utc_now()).total_seconds())
        while True:
            try:
                await asyncio.to_thread(verify_all, utc_now())
                break
            except Unavailable:
                await asyncio.sleep(TRY_AGAIN.total_seconds())


def next_start(now: datetime) -> datetime:
    """Return when the next verification begins (UTC)."""
    tz = settings().budget_zone
    today = day_of(now, tz)
    start = start_of_day(today, tz) + AFTER_MIDNIGHT
    return start if now < start else end_of_day(today, tz) + AFTER_MIDNIGHT


def verify_all(now: datetime) -> bool:
    """Verify all accounts, unless that was begun this night already; return whether it was done. Raises Unavailable."""
    tz = settings().budget_zone
    night = day_of(now, tz)
    if not run_in_transaction(begin, night, now):
        return False
    differences = 0
    accounts = run_in_reading(all_accounts)
    for account in accounts:
        with database().reading() as session:
            for difference in verify_account(session, account.id, tz):
                log.error("the numbers do not tie: %s, %s", account.username, difference)
                differences += 1
    requests = run_in_reading(count_requests)
    run_in_transaction(finish, night, len(accounts), requests, differences, utc_now())
    log.info("verified %d accounts, %d requests: %d differences", len(accounts), requests, differences)
    return True
