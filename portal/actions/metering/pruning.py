"""Removing old events. Their sums stay, and their ids, so that they are not counted again."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.db.audit import add_entry
from portal.db.metering.events import prunable_events, remove_events
from portal.db.metering.totals import move_to_pruned
from portal.db.people.accounts import all_accounts, lock_account
from portal.db.sql.session import database, run_in_reading, run_in_transaction
from portal.rules.metering.rollups import sum_up
from portal.rules.people.actors import Actor
from portal.rules.periods import start_of_day

BATCH = 1000
LEAST_DAYS = 100
"""Events of at least so many days stay: more than the longest range of Usage History."""
SETTLED = timedelta(days=1)
"""An event stays so long after it was received, so that a repeated report that is being stored still finds it."""


def prune_account(session: Session, account_id: int, first_kept: date, budget_tz: ZoneInfo, now: datetime) -> int:
    """Remove a batch of an account's events before `first_kept`; return their number, in the last batch below BATCH.

    Counters and daily roll-ups stay. The sums of the removed events are stored separately, so that verification can
    still compare them. Events with a note or without a cost stay.
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
    """Remove the events of all accounts before `first_kept`, a day of the budget zone; return their number.

    Works in small batches. Calls `advance` with the number of finished accounts.
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
