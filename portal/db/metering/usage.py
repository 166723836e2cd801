"""Usage events for their owner: the database filters, sorts, pages and sums them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, and_, func, literal, select, tuple_
from sqlalchemy.orm import Session

from portal.db.metering.totals import EVENT_SUMS, figures_of, summed
from portal.db.tables import ApiKey, Note, UsageCounter, UsageDaily, UsageEvent, UsageHourly, UsagePruned
from portal.rules.metering.figures import Figures
from portal.rules.metering.rollups import cover
from portal.rules.metering.usage import Counts, Order, Status
from portal.rules.periods import DayRange, Period

TOTAL = UsageEvent.prompt_tokens + UsageEvent.completion_tokens


@dataclass(frozen=True, slots=True)
class UsageRow:
    """A usage event for its owner; its fields are the columns of the statement that reads it, and of exports.

    A column of the page Usage History also needs an entry in `pages.account.usage.table`.

    `key_label` and `key_prefix` are None without a key, `cost_nano_eur` while no price was in force at its time. With
    `without_counts` its tokens are unknown, and 0 here.
    """

    id: int
    requested_at: datetime
    model: str
    provider_model: str | None
    template: str | None
    key_label: str | None
    key_prefix: str | None
    mode: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    billable_tokens: int
    cost_factor: Decimal
    cost_nano_eur: int | None
    status: str
    latency_ms: int | None
    note: str | None
    without_counts: bool = False

    @property
    def total_tokens(self) -> int:
        """Input and output together, before the cost factor."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Selection:
    """A filter of an account's events: `since <= requested_at < until`, and other conditions; None is any value."""

    since: datetime
    until: datetime
    key_ids: Sequence[int] | None = None
    mode: str | None = None
    model: str | None = None
    status: Status = Status.ALL
    counts: Counts = Counts.ALL

    @property
    def is_everything(self) -> bool:
        """Whether the filter is by time and counts only, so that the daily counters have the sums."""
        return (self.key_ids, self.mode, self.model, self.status) == (None, None, None, Status.ALL)


@dataclass(frozen=True, slots=True)
class Position:
    """The position of an event in an order: its instant (or its total) and its id."""

    value: datetime | int
    id: int


def usage_page(
    session: Session,
    account_id: int,
    wanted: Selection,
    order: Order,
    limit: int,
    after: Position | None = None,
    *,
    backwards: bool = False,
) -> list[UsageRow]:
    """Return up to `limit` of an account's events in `order`, after a position, or before it with `backwards`.

    The time does not depend on the number of pages before: a position is a key, not an offset.
    """
    column, descending = _sort(order)
    if backwards:
        descending = not descending
    if after is not None:
        wanted = _narrowed(wanted, order, after, descending)
    query = _rows(account_id, wanted).limit(limit)
    if after is not None:
        query = query.where(_past(column, descending, after))
    rows = [_row(row) for row in session.execute(query.order_by(*_by(column, descending)))]
    return rows[::-1] if backwards else rows


def position_of(row: UsageRow, order: Order) -> Position:
    """Return the position of a row in an order."""
    return Position(row.total_tokens if order is Order.LARGEST else row.requested_at, row.id)


def usage_rows(session: Session, account_id: int, wanted: Selection, order: Order = Order.NEWEST) -> Iterator[UsageRow]:
    """Yield all of an account's selected events in `order`, without holding them all in memory."""
    query = _rows(account_id, wanted).order_by(*_by(*_sort(order)))
    with session.execute(query.execution_options(yield_per=1000)) as found:  # also closed when the caller stops early
        for row in found:
            yield _row(row)


def usage_before(session: Session, account_id: int, wanted: Selection, order: Order, position: Position) -> int:
    """Return the number of an account's selected events before a position in `order`."""
    column, descending = _sort(order)
    before = _past(column, not descending, position)
    wanted = _narrowed(wanted, order, position, not descending)
    return session.scalar(select(func.count()).where(*_conditions(account_id, wanted), before)) or 0


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums over selected events: of the `stored` ones, and on whole budget days of the `pruned` ones."""

    stored: Figures
    pruned: Figures


def usage_totals(session: Session, account_id: int, wanted: Selection, budget_tz: ZoneInfo) -> Totals:
    """Return the sums over all of an account's selected events.

    Whole days and hours are read from roll-ups, so that the time does not depend on the number of events. Events are
    read only for the parts of an hour at the start and the end of the range.
    """
    parts = cover(wanted.since, wanted.until, budget_tz)
    found = pruned = Figures()
    if parts.days is not None:
        pruned = _sum_days(session, UsagePruned, account_id, wanted, parts.days)
        found = _sum_budget_days(session, account_id, wanted, parts.days) - pruned
    for hours in parts.hours:  # one by one: with OR, SQLite would read the whole table
        found += _sum(session, UsageHourly, account_id, wanted, _within(UsageHourly.hour, *hours))
    for rest in parts.rest:
        found += _sum_events(session, account_id, wanted, _within(UsageEvent.requested_at, *rest))
    if wanted.counts is Counts.UNKNOWN:
        found, pruned = _without_counts(found), _without_counts(pruned)
    return Totals(found, pruned)


def _without_counts(sums: Figures) -> Figures:
    """Return the sums of the requests with unknown tokens only; they have no tokens and cost nothing."""
    return Figures(requests=sums.without_counts, without_counts=sums.without_counts)


def _sum_budget_days(session: Session, account_id: int, wanted: Selection, days: DayRange) -> Figures:
    """Return the sums of whole days; without a filter by key, model, mode or status, from one counter for each day."""
    if not wanted.is_everything:
        return _sum_days(session, UsageDaily, account_id, wanted, days)
    counters = select(*map(func.sum, summed(UsageCounter))).where(
        UsageCounter.account_id == account_id,
        UsageCounter.period == Period.DAILY,
        UsageCounter.start.between(days.first, days.last),
    )
    return figures_of(session.execute(counters).one())


def _sum_days(session: Session, table: Any, account_id: int, wanted: Selection, days: DayRange) -> Figures:
    return _sum(session, table, account_id, wanted, table.day.between(days.first, days.last))


def _sum(session: Session, table: Any, account_id: int, wanted: Selection, time: ColumnElement[bool]) -> Figures:
    conditions = [table.account_id == account_id, time, *_choices(wanted, table.model, table.mode, table.api_key_id)]
    if wanted.status is not Status.ALL:
        conditions.append(table.failed.is_(wanted.status is Status.ERROR))
    return figures_of(session.execute(select(*map(func.sum, summed(table))).where(*conditions)).one())


def _sum_events(session: Session, account_id: int, wanted: Selection, time: ColumnElement[bool]) -> Figures:
    row = session.execute(select(*EVENT_SUMS).where(*_conditions(account_id, wanted), time)).one()
    return figures_of(row)


def _within(column: Any, start: datetime, end: datetime) -> ColumnElement[bool]:
    return and_(column >= start, column < end)


def usage_row(session: Session, account_id: int, usage_id: int) -> UsageRow | None:
    """Return one of an account's own events."""
    row = session.execute(_select().where(UsageEvent.id == usage_id, UsageEvent.account_id == account_id)).first()
    return None if row is None else _row(row)


def _sort(order: Order) -> tuple[Any, bool]:
    """Return the column of an order, and whether it is descending."""
    if order is Order.LARGEST:
        return TOTAL, True
    return UsageEvent.requested_at, order is Order.NEWEST


def _by(column: Any, descending: bool) -> tuple[Any, Any]:
    """Return an order without ties."""
    return (column.desc(), UsageEvent.id.desc()) if descending else (column, UsageEvent.id)


def _past(column: Any, descending: bool, position: Position) -> ColumnElement[bool]:
    """Return the condition for rows after a position: one comparison, so that the index is read from there on."""
    here, there = tuple_(column, UsageEvent.id), tuple_(literal(position.value, column.type), position.id)
    return here < there if descending else here > there


def _narrowed(wanted: Selection, order: Order, position: Position, descending: bool) -> Selection:
    """Return a selection that ends (or begins) at the time of a position, so that the index is read from there only."""
    if order is Order.LARGEST or not isinstance(position.value, datetime):
        return wanted
    if not wanted.since <= position.value < wanted.until:
        return wanted
    if descending:
        return replace(wanted, until=position.value + timedelta(microseconds=1))
    return replace(wanted, since=position.value)


def _select() -> Any:  # the type of a SELECT of 19 columns is long; see UsageRow
    return (
        select(*(_column(field.name) for field in fields(UsageRow)))
        .outerjoin(ApiKey, ApiKey.id == UsageEvent.api_key_id)
        .outerjoin(Note, and_(Note.usage_id == UsageEvent.id, Note.account_id == UsageEvent.account_id))
    )


def _column(name: str) -> Any:
    return _ELSEWHERE[name] if name in _ELSEWHERE else getattr(UsageEvent, name)


_ELSEWHERE = {"key_label": ApiKey.label, "key_prefix": ApiKey.prefix, "note": Note.text}
"""The columns of a row that are in other tables than the event."""


def _rows(account_id: int, wanted: Selection) -> Any:
    return _select().where(*_conditions(account_id, wanted))


def _row(row: Row[Any]) -> UsageRow:
    return UsageRow(*tuple(row))


def _conditions(account_id: int, wanted: Selection) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        UsageEvent.account_id == account_id,
        UsageEvent.requested_at >= wanted.since,
        UsageEvent.requested_at < wanted.until,
    ]
    conditions += _choices(wanted, UsageEvent.model, UsageEvent.mode, UsageEvent.api_key_id)
    if wanted.counts is Counts.UNKNOWN:
        conditions.append(UsageEvent.without_counts.is_(True))
    if wanted.status is not Status.ALL:
        conditions.append(UsageEvent.status == "ok" if wanted.status is Status.OK else UsageEvent.status != "ok")
    return conditions


def _choices(wanted: Selection, model: Any, mode: Any, key_id: Any) -> list[ColumnElement[bool]]:
    """Return the conditions on key, mode and model, for a table with these columns."""
    conditions = []
    if wanted.key_ids is not None:
        conditions.append(key_id.in_(wanted.key_ids))
    if wanted.mode is not None:
        conditions.append(mode == wanted.mode)
    if wanted.model is not None:
        conditions.append(model == wanted.model)
    return conditions
