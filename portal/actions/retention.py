"""Removing old entries of the audit log, finished mails and held events.

Decision: settings say how many days each of them stays; a job and `portal prune` apply the same. Each small batch is a
transaction of its own, so that nobody waits for long. Removing writes an audit entry, unless nothing was old.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator
from portal.db.audit import add_entry, remove_old_entries
from portal.db.metering.held import remove_old_held
from portal.db.outbox import remove_finished
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.rules.people.actors import Actor, Means
from portal.rules.retention import Kept, removed_before
from portal.settings import settings

BATCH = 5000
RETENTION = Actor(Means.JOB, "retention")

_REMOVING: dict[Kept, Callable[[Session, datetime, int], int]] = {
    Kept.AUDIT: remove_old_entries,
    Kept.MAILS: remove_finished,
    Kept.HELD: remove_old_held,
}


def kept_days(kept: Kept) -> int:
    """Return how many days something stays, from the settings."""
    chosen = settings()
    return {Kept.AUDIT: chosen.keep_audit, Kept.MAILS: chosen.keep_mails, Kept.HELD: chosen.keep_held}[kept]


def prune_kept(actor: Actor, kept: Kept, now: datetime) -> int:
    """Remove all data that are older than their setting; return the number of removed rows. Raises Forbidden.

    Opens its own transactions.
    """
    run_in_reading(check_administrator, actor)
    before, removed, batch = removed_before(kept_days(kept), now), 0, BATCH
    while batch == BATCH:
        batch = run_in_transaction(_REMOVING[kept], before, BATCH)
        removed += batch
    if removed:
        run_in_transaction(_note, actor, kept, before, removed, now)
    return removed


def _note(session: Session, actor: Actor, kept: Kept, before: datetime, removed: int, now: datetime) -> None:
    add_entry(session, actor, f"{kept}.prune", now, kept_since=before.isoformat(), removed=removed)


def prune_everything(now: datetime) -> dict[Kept, int]:
    """Apply all retention settings; return the numbers of removed rows. Raises Unavailable."""
    return {kept: prune_kept(RETENTION, kept, now) for kept in Kept}
