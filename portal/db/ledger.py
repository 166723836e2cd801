"""The ledger's own writes: events that are stored once and for ever, and those that are held back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from portal.db.tables import Account, HeldEvent, UsageEvent
from portal.db.upserts import insert
from portal.rules.figures import Figures

_CHUNK = 400


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A usage event ready to be stored: attributed, priced, in the shape of its table."""

    gateway_id: int
    external_id: str
    fingerprint: str
    account_id: int
    api_key_id: int | None
    session_id: str | None
    model: str
    mode: str
    template: str | None
    status: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    cost_factor: Decimal
    billable_tokens: int
    cost_nano_eur: int | None
    latency_ms: int | None
    requested_at: datetime
    received_at: datetime

    @property
    def failed(self) -> bool:
        """Whether the request ended in anything but `ok`."""
        return self.status != "ok"

    @property
    def figures(self) -> Figures:
        """What this one request adds to every sum."""
        return _figures(self.billable_tokens, self.prompt_tokens, self.completion_tokens, self.cost_nano_eur)


_NAMES = tuple(f.name for f in fields(NewEvent))


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """What counting reads of an event."""

    id: int
    account_id: int
    requested_at: datetime
    model: str
    mode: str
    api_key_id: int | None
    failed: bool
    figures: Figures


def insert_events(session: Session, events: Sequence[NewEvent]) -> set[str]:
    """Store the events of one gateway whose ids are new; return those ids.

    The unique constraint decides, not a look beforehand, so that of two batches at once only one stores an id.
    """
    if not events:
        return set()
    rows = [_columns(event) for event in sorted(events, key=lambda event: event.external_id)]
    # The rows are parameters of one cached statement, which SQLAlchemy sends in batches; written into the statement
    # with .values(), each batch would be compiled anew, which takes ten times as long as storing it.
    statement = insert(session, UsageEvent).on_conflict_do_nothing(index_elements=["gateway_id", "external_id"])
    statement = statement.returning(UsageEvent.external_id)
    # render_nulls: else the ORM cuts the rows into runs in which the same columns are null, one statement for each
    return set(session.scalars(statement, rows, execution_options={"render_nulls": True}))


def fingerprints(session: Session, gateway_id: int, external_ids: Sequence[str]) -> dict[str, str]:
    """Return the fingerprints of a gateway's stored events among `external_ids`, by id."""
    found: dict[str, str] = {}
    for start in range(0, len(external_ids), _CHUNK):
        wanted = select(UsageEvent.external_id, UsageEvent.fingerprint).where(
            UsageEvent.gateway_id == gateway_id, UsageEvent.external_id.in_(external_ids[start : start + _CHUNK])
        )
        found.update((row.external_id, row.fingerprint) for row in session.execute(wanted))
    return found


def hold_events(session: Session, held: Sequence[dict[str, Any]]) -> None:
    """Keep events that cannot be counted; one that is held already stays, but may turn out to be a conflict."""
    for start in range(0, len(held), _CHUNK):
        statement = insert(session, HeldEvent).values(held[start : start + _CHUNK])
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["gateway_id", "external_id", "fingerprint"],
                set_={"reason": statement.excluded.reason, "resolved_at": None},
                where=HeldEvent.reason != statement.excluded.reason,
            )
        )


def release_events(session: Session, gateway_id: int, stored: Mapping[str, str], now: datetime) -> None:
    """Mark held events as settled, now that they have been `stored`: fingerprints by id.

    What is held under the same id with other content contradicts the stored one from now on.
    """
    external_ids = list(stored)
    for start in range(0, len(external_ids), _CHUNK):
        some = external_ids[start : start + _CHUNK]
        waiting = update(HeldEvent).where(
            HeldEvent.gateway_id == gateway_id,
            HeldEvent.external_id.in_(some),
            HeldEvent.reason == "unattributed",
            HeldEvent.resolved_at.is_(None),
        )
        same = HeldEvent.fingerprint.in_([stored[external_id] for external_id in some])
        session.execute(waiting.where(same).values(resolved_at=now))
        session.execute(waiting.values(reason="conflict"))


def count_held(session: Session) -> dict[str, int]:
    """Return how many events are held and unsettled, by reason."""
    rows = session.execute(
        select(HeldEvent.reason, func.count()).where(HeldEvent.resolved_at.is_(None)).group_by(HeldEvent.reason)
    )
    return {row[0]: row[1] for row in rows}


def count_events(session: Session) -> int:
    """Return how many events are stored."""
    return session.scalar(select(func.count()).select_from(UsageEvent)) or 0


def account_events(session: Session, account_id: int) -> Iterator[StoredEvent]:
    """Yield an account's stored events, oldest first, without holding them all; for verification and rebuilding."""
    query = _COUNTED.where(UsageEvent.account_id == account_id).order_by(UsageEvent.requested_at)
    with session.execute(query.execution_options(yield_per=1000)) as rows:  # closed also when nobody reads to the end
        for row in rows:
            yield _stored(row)


def lock_account(session: Session, account_id: int) -> None:
    """Hold back the storing of events of one account until the transaction ends; SQLite has one writer anyway."""
    session.execute(select(Account.id).where(Account.id == account_id).with_for_update())


def _columns(event: NewEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in _NAMES}


_COUNTED = select(
    UsageEvent.id,
    UsageEvent.account_id,
    UsageEvent.requested_at,
    UsageEvent.model,
    UsageEvent.mode,
    UsageEvent.api_key_id,
    UsageEvent.status,
    UsageEvent.billable_tokens,
    UsageEvent.prompt_tokens,
    UsageEvent.completion_tokens,
    UsageEvent.cost_nano_eur,
)


def _stored(row: Any) -> StoredEvent:  # a row of _COUNTED
    row_id, account_id, requested_at, model, mode, key_id, status, *numbers = row
    return StoredEvent(row_id, account_id, requested_at, model, mode, key_id, status != "ok", _figures(*numbers))


def _figures(billable: int, prompt: int, completion: int, cost: int | None) -> Figures:
    return Figures(billable, prompt, completion, prompt + completion, 1, cost or 0, int(cost is None))
