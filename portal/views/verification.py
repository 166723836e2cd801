"""The amount of data to verify."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.db.accounts import count_accounts
from portal.db.events import count_events, count_pruned


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """The numbers of accounts, of stored events, and of pruned events."""

    accounts: int
    events: int
    pruned: int


def load_stored_counts(session: Session) -> StoredCounts:
    """Return the numbers of stored data, for operators."""
    return StoredCounts(count_accounts(session), count_events(session), count_pruned(session))
