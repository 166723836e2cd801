"""Summed tables: usage by period, day, hour or model, without reading the events.

Decision: one list of descriptors, `TOTALS`. Storing events, repairing costs, verifying, rebuilding and pruning loop
over the list. A new summed table needs a class in `db.tables.totals`, a migration and a descriptor here; if its key is
new, also a key class and a function for `parts` in `rules.metering.rollups`. Its key begins with the account, since
sums are verified, rebuilt and cleared account by account.

Sums across accounts have a list of their own, `SHARED_TOTALS`. Every batch of usage changes the same few rows of them,
so they are written last in a transaction, and they are compared with the daily roll-ups, not with the events
(`db.metering.shared_totals`).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from portal.db.sql.bulk_insert import BulkInsert
from portal.db.tables import (
    KeyCounter,
    OrganisationDaily,
    TeamCounter,
    UsageByModel,
    UsageCounter,
    UsageDaily,
    UsageEvent,
    UsageHourly,
    UsagePruned,
)
from portal.rules.metering.figures import SUMS, Figures
from portal.rules.metering.rollups import (
    CounterKey,
    DailyKey,
    HourlyKey,
    KeyCounterKey,
    ModelKey,
    OrganisationKey,
    Sums,
    TeamCounterKey,
    counters_of,
    key_counters_of,
    models_of,
    organisation_of,
    team_counters_of,
)
from portal.rules.periods import DayRange, Period


@dataclass(frozen=True, slots=True)
class Total:
    """A descriptor of a summed table.

    `key` is a named tuple of the table's key columns, in the list `TOTALS` the account first; `key_of` makes one from
    their values. `parts` returns the figures that events add, by key. `time` is the column of the day or hour that
    orders a long table; without it the table is read at once. `keeps_pruned` is whether the sums stay when their events
    are pruned.
    """

    table: Any
    key: type[Any]
    parts: Callable[[Sums], Mapping[Any, Figures]]
    time: str | None = None
    keeps_pruned: bool = True
    key_of: Callable[..., Any] | None = None

    @property
    def account_id(self) -> Any:
        """The column of the account, the first one of every key."""
        return getattr(self.table, self.key._fields[0])

    def row_key(self, values: Iterable[Any]) -> Any:
        """Return the key with these values of its columns."""
        return (self.key_of or self.key)(*values)


TOTALS = (
    Total(
        UsageCounter,
        CounterKey,
        counters_of,
        key_of=lambda account_id, period, start: CounterKey(account_id, Period(period), start),
    ),
    Total(
        KeyCounter,
        KeyCounterKey,
        key_counters_of,
        key_of=lambda account_id, key_id, period, start: KeyCounterKey(account_id, key_id, Period(period), start),
    ),
    Total(UsageByModel, ModelKey, models_of, time="day"),
    Total(UsageDaily, DailyKey, attrgetter("daily"), time="day"),
    Total(UsageHourly, HourlyKey, attrgetter("hourly"), time="hour", keeps_pruned=False),
)
"""All tables with sums of an account's events; their classes are in `db.tables.totals`."""

SHARED_TOTALS = (
    Total(
        TeamCounter,
        TeamCounterKey,
        team_counters_of,
        key_of=lambda team_id, period, start: TeamCounterKey(team_id, Period(period), start),
    ),
    Total(OrganisationDaily, OrganisationKey, organisation_of, time="day"),
)
"""All tables with sums across accounts; they are computed from the daily roll-ups."""

PRUNED = Total(UsagePruned, DailyKey, attrgetter("daily"), time="day")
"""The sums of pruned events; only pruning adds to them, and a rebuild starts with them."""


def add(session: Session, sums: Sums) -> None:
    """Add the sums of some events to every table of `TOTALS`."""
    for total in TOTALS:
        add_parts(session, total, total.parts(sums))


def add_shared(session: Session, sums: Sums) -> None:
    """Add the sums of some events to every table of `SHARED_TOTALS`.

    Call it after all changes of rows of accounts: transactions wait for each other here, and must not do so in a ring.
    """
    for total in SHARED_TOTALS:
        add_parts(session, total, total.parts(sums))


def add_parts(session: Session, total: Total, parts: Mapping[Any, Figures]) -> None:
    """Insert rows, or add to existing rows; the database adds, so that concurrent batches lose nothing.

    Rows are written in the order of their keys, which prevents deadlocks between batches.
    """
    _addition(total.table, total.key._fields).run(session, [(*key, *parts[key]) for key in sorted(parts)])


@cache
def _addition(table: Any, key: tuple[str, ...]) -> BulkInsert:
    added = ", ".join(f"{name} = {table.__tablename__}.{name} + excluded.{name}" for name in SUMS)
    return BulkInsert(table, (*key, *SUMS), f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {added}")


def stream(session: Session, total: Total, account_id: int) -> Iterator[tuple[Any, Figures]]:
    """Yield the rows of an account in the order of their time, without holding them all."""
    width = len(total.key._fields)
    columns = [getattr(total.table, name) for name in total.key._fields]
    query = select(*columns, *summed(total.table)).where(total.account_id == account_id)
    if total.time is not None:
        query = query.order_by(getattr(total.table, total.time))
    with session.execute(query.execution_options(yield_per=1000)) as rows:  # also closed when the caller stops early
        for row in rows:
            yield total.row_key(row[:width]), figures_of(row[width:])


def clear(session: Session, account_id: int) -> None:
    """Delete an account's totals before a rebuild; the sums of pruned events stay."""
    for total in TOTALS:
        session.execute(delete(total.table).where(total.account_id == account_id))


def move_to_pruned(session: Session, account_id: int, sums: Sums) -> None:
    """Add the sums of events that are being pruned to `PRUNED`, and subtract them from totals of stored events only."""
    add_parts(session, PRUNED, PRUNED.parts(sums))
    for total in (total for total in TOTALS if not total.keeps_pruned):
        parts = total.parts(sums)
        if parts:
            add_parts(session, total, {key: -figures for key, figures in parts.items()})
            _delete_empty(session, total, account_id, parts)


def _delete_empty(session: Session, total: Total, account_id: int, keys: Iterable[Any]) -> None:
    """Delete the rows of an account without any requests, up to the last time among some keys."""
    conditions = [total.account_id == account_id, total.table.requests == 0]
    if total.time is not None:
        time = getattr(total.table, total.time)
        conditions.append(time <= max(map(attrgetter(total.time), keys)))
    session.execute(delete(total.table).where(*conditions))


def summed(table: Any) -> list[Any]:
    """Return the summed columns of a table, in the order in which `figures_of` reads them."""
    return [getattr(table, name) for name in SUMS]


def figures_of(row: Sequence[Any]) -> Figures:
    """Return the figures in a row of summed columns, or of SQL sums of them; null is 0."""
    return Figures(*(int(value or 0) for value in row))


EVENT_SUMS = (
    func.sum(UsageEvent.billable_tokens),
    func.sum(UsageEvent.prompt_tokens),
    func.sum(UsageEvent.completion_tokens),
    func.count(),
    func.sum(UsageEvent.cost_nano_eur),
    func.count() - func.count(UsageEvent.cost_nano_eur),
    func.count().filter(UsageEvent.without_counts),
)
"""The same sums over stored events."""


# Counters


def counter(session: Session, account_id: int, period: Period, start: date) -> Figures:
    """Return the usage of an account in the period that starts on `start`; zeros without usage."""
    row = session.execute(
        select(*summed(UsageCounter)).where(
            UsageCounter.account_id == account_id, UsageCounter.period == period, UsageCounter.start == start
        )
    ).first()
    return figures_of(row) if row else Figures()


def lifetimes(session: Session, account_ids: Collection[int]) -> dict[int, Figures]:
    """Return the usage of accounts in their whole life; accounts without usage are left out."""
    rows = session.execute(
        select(UsageCounter.account_id, *summed(UsageCounter)).where(
            UsageCounter.account_id.in_(account_ids), UsageCounter.period == Period.TOTAL
        )
    )
    return {row[0]: figures_of(row[1:]) for row in rows}


def count_requests(session: Session) -> int:
    """Return how many requests all accounts have made, pruned ones included."""
    wanted = select(func.sum(UsageCounter.requests)).where(UsageCounter.period == Period.TOTAL)
    return int(session.scalar(wanted) or 0)


def daily_usage(session: Session, account_id: int, days: DayRange) -> dict[date, Figures]:
    """Return the usage of an account on each of `days`, oldest first; zeros on days without usage."""
    rows = session.execute(select(UsageCounter.start, *summed(UsageCounter)).where(*_on_days(account_id, days)))
    used = {row[0]: figures_of(row[1:]) for row in rows}
    return {day: used.get(day, Figures()) for day in days}


def tokens_by_day(session: Session, account_id: int, days: DayRange) -> dict[date, int]:
    """Return the billable tokens of each of `days`, 0 on days without usage; for forecasts."""
    rows = session.execute(select(UsageCounter.start, UsageCounter.tokens).where(*_on_days(account_id, days)))
    return dict.fromkeys(days, 0) | {row.start: row.tokens for row in rows}


def _on_days(account_id: int, days: DayRange) -> tuple[ColumnElement[bool], ...]:
    return (
        UsageCounter.account_id == account_id,
        UsageCounter.period == Period.DAILY,
        UsageCounter.start.between(days.first, days.last),
    )


def first_day(session: Session, account_id: int) -> date | None:
    """Return the day of the first usage of an account."""
    return session.scalar(
        select(func.min(UsageCounter.start)).where(
            UsageCounter.account_id == account_id, UsageCounter.period == Period.DAILY
        )
    )


# Roll-ups


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """The usage of one model in one mode."""

    model: str
    mode: str
    figures: Figures


def usage_by_model(session: Session, account_id: int, days: DayRange) -> list[ModelUsage]:
    """Return the usage of an account on `days`, one row per model and mode, largest first."""
    sums = [func.sum(column) for column in summed(UsageByModel)]
    rows = session.execute(
        select(UsageByModel.model, UsageByModel.mode, *sums)
        .where(UsageByModel.account_id == account_id, UsageByModel.day.between(days.first, days.last))
        .group_by(UsageByModel.model, UsageByModel.mode)
        .order_by(sums[0].desc(), UsageByModel.model, UsageByModel.mode)
    )
    return [ModelUsage(row[0], row[1], figures_of(row[2:])) for row in rows]


def modes(session: Session, account_id: int) -> list[str]:
    """Return all modes that an account has used, in order; a recursive query finds each next one in the index."""
    least = select(func.min(UsageByModel.mode)).where(UsageByModel.account_id == account_id)
    found = least.cte("found", recursive=True)
    found = found.union_all(
        select(least.where(UsageByModel.mode > found.c[0]).scalar_subquery()).where(found.c[0].is_not(None))
    )
    return list(session.scalars(select(found.c[0]).where(found.c[0].is_not(None))))


def tokens_by_hour(
    session: Session, account_id: int, since: datetime, until: datetime
) -> Sequence[tuple[datetime, int]]:
    """Return the billable tokens of the hours (UTC) that begin in a time span, without pruned requests."""
    rows = session.execute(
        select(UsageHourly.hour, func.sum(UsageHourly.tokens))
        .where(UsageHourly.account_id == account_id, UsageHourly.hour >= since, UsageHourly.hour < until)
        .group_by(UsageHourly.hour)
    )
    return [(hour, int(tokens)) for hour, tokens in rows]


def pruned_requests(session: Session) -> int:
    """Return the number of pruned requests of all accounts."""
    return int(session.scalar(select(func.sum(UsagePruned.requests))) or 0)
