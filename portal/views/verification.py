"""How much there is to verify."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.db.accounts import count_accounts
from portal.db.events import count_events, count_pruned


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """How many accounts there are, events that are stored, and events of which only the sums are kept."""

    accounts: int
    events: int
    pruned: int


def load_stored_counts(session: Session) -> StoredCounts:
    """Return how much is stored; for operators."""
    return StoredCounts(count_accounts(session), count_events(session), count_pruned(session))
