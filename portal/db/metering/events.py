"""Usage events: each is stored once, and never changed except for a missing cost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, func, select, tuple_, union_all, update
from sqlalchemy import insert as core_insert
from sqlalchemy.orm import Session

from portal.db.sql.bulk_insert import BulkInsert
from portal.db.sql.text_list import among
from portal.db.tables import Note, PrunedEvent, UsageEvent
from portal.rules.metering.figures import Figures, figures_of_request
from portal.rules.spending.prices import RequestTokens

_CHUNK = 400


class NewEvent(NamedTuple):
    """A usage event to store, with its account and cost; the fields are the columns of its table."""

    gateway_id: int
    external_id: str
    fingerprint: str
    account_id: int
    api_key_id: int | None
    team_id: int | None
    session_id: str | None
    model: str
    provider_model: str | None
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
    without_counts: bool = False
    price_id: int | None = None

    @property
    def failed(self) -> bool:
        """Whether the request ended in anything but `ok`."""
        return self.status != "ok"

    @property
    def figures(self) -> Figures:
        """What this one request adds to every sum."""
        return figures_of_request(
            self.billable_tokens, self.prompt_tokens, self.completion_tokens, self.cost_nano_eur, self.without_counts
        )


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """The values of a stored event that the sums need."""

    id: int
    account_id: int
    requested_at: datetime
    model: str
    mode: str
    api_key_id: int | None
    team_id: int | None
    gateway_id: int
    failed: bool
    figures: Figures


@dataclass(frozen=True, slots=True)
class UnpricedEvent:
    """A stored event without a cost, with the values that its cost depends on."""

    event: StoredEvent
    tokens: RequestTokens
    cost_factor: Decimal


def insert_events(session: Session, events: Sequence[NewEvent]) -> set[str]:
    """Store the events of one gateway that have new ids; return those ids.

    The unique constraint decides, not a query before, so that only one of two concurrent batches stores an id.
    """
    ordered: list[NewEvent] = sorted(events, key=attrgetter("external_id"))
    return {row[0] for row in _INSERT.returning(session, ordered)}


_INSERT = BulkInsert(
    UsageEvent, NewEvent._fields, "ON CONFLICT (gateway_id, external_id) DO NOTHING RETURNING external_id"
)


def fingerprints(session: Session, gateway_id: int, external_ids: Sequence[str]) -> dict[str, str]:
    """Return the fingerprints of the events with these ids, by id; also of pruned events.

    One statement reads both tables, so that an event that is being pruned is found in one of them.
    """
    if not external_ids:
        return {}
    rows = session.connection().execute(_FINGERPRINTS, {"gateway": gateway_id, "ids": external_ids})
    return {row[0]: row[1] for row in rows}


_FINGERPRINTS = union_all(
    *(
        select(table.external_id, table.fingerprint).where(
            table.gateway_id == bindparam("gateway"), among(table.external_id, "ids")
        )
        for table in (UsageEvent, PrunedEvent)
    )
)


def count_events(session: Session) -> int:
    """Return how many events are stored."""
    return session.scalar(select(func.count()).select_from(UsageEvent)) or 0


def has_events(session: Session) -> bool:
    """Return whether any event was ever stored, removed ones included."""
    return any(session.scalar(select(table.gateway_id).limit(1)) is not None for table in (UsageEvent, PrunedEvent))


def account_events(session: Session, account_id: int) -> Iterator[StoredEvent]:
    """Yield an account's stored events, oldest first, without holding them all; for verification and rebuilding."""
    query = _COUNTED.where(UsageEvent.account_id == account_id).order_by(UsageEvent.requested_at)
    with session.execute(query.execution_options(yield_per=1000)) as rows:  # also closed when the caller stops early
        for row in rows:
            yield _stored(row)


def unpriced_events(session: Session, after: tuple[datetime, int] | None, limit: int) -> list[UnpricedEvent]:
    """Return up to `limit` events without a cost, oldest first, after an instant and id; they stay locked."""
    query = _COUNTED.add_columns(UsageEvent.cached_tokens, UsageEvent.cost_factor)
    query = query.where(UsageEvent.cost_nano_eur.is_(None)).order_by(UsageEvent.requested_at, UsageEvent.id)
    if after is not None:
        query = query.where(tuple_(UsageEvent.requested_at, UsageEvent.id) > after)
    return [_unpriced(row) for row in session.execute(query.limit(limit).with_for_update())]


def _unpriced(row: Any) -> UnpricedEvent:
    *counted, cached, factor = row
    event = _stored(counted)
    figures = event.figures
    tokens = RequestTokens(figures.prompt_tokens, figures.completion_tokens, cached, figures.tokens)
    return UnpricedEvent(event, tokens, factor)


def fill_in_costs(session: Session, costs: Mapping[int, tuple[int, int | None]]) -> None:
    """Store missing costs in nano-euros and the ids of their prices, by event id.

    Nothing else of a stored event is ever changed.
    """
    rows = [{"id": key, "cost_nano_eur": cost, "price_id": price_id} for key, (cost, price_id) in costs.items()]
    if rows:
        session.execute(update(UsageEvent), rows)


def count_unpriced(session: Session) -> int:
    """Return how many events have no cost."""
    return session.scalar(select(func.count()).where(UsageEvent.cost_nano_eur.is_(None))) or 0


def prunable_events(
    session: Session, account_id: int, before: datetime, received_before: datetime, limit: int
) -> list[StoredEvent]:
    """Return up to `limit` of an account's oldest prunable events, requested and received before these instants.

    Events with a note stay, since the note belongs to a person; events without a cost stay, since they will get one.
    """
    query = (
        _COUNTED.where(
            UsageEvent.account_id == account_id,
            UsageEvent.requested_at < before,
            UsageEvent.received_at < received_before,
            UsageEvent.cost_nano_eur.is_not(None),
            ~select(Note.usage_id).where(Note.usage_id == UsageEvent.id).exists(),
        )
        .order_by(UsageEvent.requested_at, UsageEvent.id)
        .limit(limit)
    )
    return [_stored(row) for row in session.execute(query)]


def remove_events(session: Session, event_ids: Sequence[int]) -> None:
    """Delete events; only their ids and fingerprints stay, so that they are never counted again."""
    for start in range(0, len(event_ids), _CHUNK):
        which = UsageEvent.id.in_(event_ids[start : start + _CHUNK])
        columns = ["gateway_id", "external_id", "fingerprint"]
        kept = select(UsageEvent.gateway_id, UsageEvent.external_id, UsageEvent.fingerprint).where(which)
        session.execute(core_insert(PrunedEvent).from_select(columns, kept))
        session.execute(delete(UsageEvent).where(which).execution_options(synchronize_session=False))


def count_pruned(session: Session) -> int:
    """Return how many events were pruned."""
    return session.scalar(select(func.count()).select_from(PrunedEvent)) or 0


def count_stored_and_pruned(session: Session) -> int:
    """Return how many ids are both stored and pruned; any number but 0 is an error."""
    same = (PrunedEvent.gateway_id == UsageEvent.gateway_id) & (PrunedEvent.external_id == UsageEvent.external_id)
    return session.scalar(select(func.count()).select_from(PrunedEvent).join(UsageEvent, same)) or 0


_COUNTED = select(
    UsageEvent.id,
    UsageEvent.account_id,
    UsageEvent.requested_at,
    UsageEvent.model,
    UsageEvent.mode,
    UsageEvent.api_key_id,
    UsageEvent.team_id,
    UsageEvent.gateway_id,
    UsageEvent.status,
    UsageEvent.billable_tokens,
    UsageEvent.prompt_tokens,
    UsageEvent.completion_tokens,
    UsageEvent.cost_nano_eur,
    UsageEvent.without_counts,
)


def _stored(row: Any) -> StoredEvent:  # a row of _COUNTED
    row_id, account_id, requested_at, model, mode, key_id, team_id, gateway_id, status, *numbers = row
    return StoredEvent(
        row_id,
        account_id,
        requested_at,
        model,
        mode,
        key_id,
        team_id,
        gateway_id,
        status != "ok",
        figures_of_request(*numbers),
    )
