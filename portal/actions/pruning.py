"""Removing old events: their sums stay, and so does what tells that they were counted."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.db.accounts import all_accounts, lock_account
from portal.db.audit import add_entry
from portal.db.events import prunable_events, remove_events
from portal.db.sql.session import database, run_in_reading, run_in_transaction
from portal.db.totals import move_to_pruned
from portal.rules.actors import Actor
from portal.rules.periods import start_of_day
from portal.rules.rollups import sum_up

BATCH = 1000
LEAST_DAYS = 100
"""Fewest days of which events stay: the longest range of Usage History and some more."""
SETTLED = timedelta(days=1)
"""An event stays for so long after it came in, so that nobody who stores it at this moment misses that it was."""


def prune_account(session: Session, account_id: int, first_kept: date, budget_tz: ZoneInfo, now: datetime) -> int:
    """Remove a batch of an account's events before a day of the budget zone; return how many, fewer than BATCH at last.

    Counters and daily roll-ups stay as they are; what the removed events added to them is kept beside, so that
    verification still proves them. Events with notes and without a cost stay.
    """
    lock_account(session, account_id)
    before = start_of_day(first_kept, budget_tz)
    events = prunable_events(session, account_id, before, now - SETTLED, BATCH)
    move_to_pruned(session, account_id, sum_up(events, budget_tz))
    remove_events(session, [event.id for event in events])
    return len(events)


def prune_all(
    actor: Actor, first_kept: date, budget_tz: ZoneInfo, now: datetime, advance: Callable[[int], None] = lambda _: None
) -> int:
    """Remove the events of all accounts before a day of the budget zone, in small batches; return how many.

    `advance` is called with the number of accounts that were gone through.
    """
    removed = 0
    for account in run_in_reading(all_accounts):
        batch = BATCH
        while batch == BATCH:
            batch = run_in_transaction(prune_account, account.id, first_kept, budget_tz, now)
            removed += batch
        advance(1)
    with database().transaction() as session:
        add_entry(session, actor, "ledger.prune", now, first_kept=first_kept.isoformat(), removed=removed)
    return removed
