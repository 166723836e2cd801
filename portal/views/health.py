"""The schema of the database, the result of the last verification, and the amount of data to verify."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy.orm import Session

from portal.db.metering.events import count_events, count_pruned
from portal.db.metering.verification import last_verification
from portal.db.people.accounts import count_accounts
from portal.db.sql.schema import head, revision


@dataclass(frozen=True, slots=True)
class VerificationView:
    """A finished verification: what it compared, and how many sums differ from the events.

    `faults` are sentences in English about the first differences.
    """

    started_at: datetime
    finished_at: datetime
    accounts: int
    requests: int
    differences: int
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HealthView:
    """Whether the database has the schema of this program; `verification` is None before the first night."""

    is_migrated: bool
    verification: VerificationView | None


def load_health(session: Session) -> HealthView:
    """Return the state of the database."""
    is_migrated = revision(session.connection()) == _newest()
    return HealthView(is_migrated, load_verification(session) if is_migrated else None)


def load_verification(session: Session) -> VerificationView | None:
    """Return the last finished verification; None without one."""
    row = last_verification(session)
    if row is None or row.finished_at is None:
        return None
    faults = tuple(json.loads(row.faults))
    return VerificationView(row.started_at, row.finished_at, row.accounts, row.requests, row.differences, faults)


@lru_cache(maxsize=1)
def _newest() -> str:
    """Return the newest schema revision of this program, which is read from files once."""
    return head()


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """The numbers of accounts, of stored events, and of pruned events."""

    accounts: int
    events: int
    pruned: int


def load_stored_counts(session: Session) -> StoredCounts:
    """Return the numbers of stored data, for operators."""
    return StoredCounts(count_accounts(session), count_events(session), count_pruned(session))
