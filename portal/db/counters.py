"""Period counters and daily roll-ups: what was used, without reading the events."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal.db.tables import UsageCounter, UsageDaily
from portal.db.upserts import insert
from portal.rules.figures import Figures
from portal.rules.ledger import CounterKey, DailyKey
from portal.rules.periods import DayRange, Period

SUMS = ("tokens", "prompt_tokens", "completion_tokens", "requests", "cost_nano_eur")


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """What one model in one mode was used for."""

    model: str
    mode: str
    figures: Figures


def counter(session: Session, account_id: int, period: Period, start: date) -> Figures:
    """Return what an account used in the period that starts on `start`; zeros where it used nothing."""
    row = session.execute(
        select(*_columns(UsageCounter)).where(
            UsageCounter.account_id == account_id, UsageCounter.period == period, UsageCounter.start == start
        )
    ).first()
    return _figures(row) if row else Figures()


def lifetimes(session: Session, account_ids: Collection[int]) -> dict[int, Figures]:
    """Return what several accounts used in their whole life; those that used nothing are left out."""
    rows = session.execute(
        select(UsageCounter.account_id, *_columns(UsageCounter)).where(
            UsageCounter.account_id.in_(account_ids), UsageCounter.period == Period.TOTAL
        )
    )
    return {row[0]: _figures(row[1:]) for row in rows}


def daily_usage(session: Session, account_id: int, days: DayRange) -> dict[date, Figures]:
    """Return what an account used on each of `days`, oldest first, zero days included."""
    rows = session.execute(
        select(UsageCounter.start, *_columns(UsageCounter)).where(
            UsageCounter.account_id == account_id,
            UsageCounter.period == Period.DAILY,
            UsageCounter.start.between(days.first, days.last),
        )
    )
    used = {row[0]: _figures(row[1:]) for row in rows}
    return {day: used.get(day, Figures()) for day in days}


def usage_by_model(session: Session, account_id: int, days: DayRange) -> list[ModelUsage]:
    """Return an account's consumption over `days`, one row per model and mode, largest first."""
    sums = [func.sum(column) for column in _columns(UsageDaily)]
    rows = session.execute(
        select(UsageDaily.model, UsageDaily.mode, *sums)
        .where(UsageDaily.account_id == account_id, UsageDaily.day.between(days.first, days.last))
        .group_by(UsageDaily.model, UsageDaily.mode)
        .order_by(sums[0].desc(), UsageDaily.model, UsageDaily.mode)
    )
    return [ModelUsage(row[0], row[1], _figures(row[2:])) for row in rows]


def modes(session: Session, account_id: int) -> list[str]:
    """Return all modes an account ever used, in order."""
    wanted = select(UsageDaily.mode).where(UsageDaily.account_id == account_id).distinct().order_by(UsageDaily.mode)
    return list(session.scalars(wanted))


def first_day(session: Session, account_id: int) -> date | None:
    """Return the first day on which an account used anything."""
    return session.scalar(
        select(func.min(UsageCounter.start)).where(
            UsageCounter.account_id == account_id, UsageCounter.period == Period.DAILY
        )
    )


def add_to_counters(session: Session, parts: Mapping[CounterKey, Figures]) -> None:
    """Add to period counters; in the order of their keys, so that no two batches wait for each other in a ring."""
    rows = [
        {"account_id": key.account_id, "period": key.period.value, "start": key.start, **_sums(parts[key])}
        for key in sorted(parts)
    ]
    _add(session, UsageCounter, ["account_id", "period", "start"], rows)


def add_to_daily(session: Session, parts: Mapping[DailyKey, Figures]) -> None:
    """Add to daily roll-ups, in the order of their keys."""
    rows = [
        {"account_id": key.account_id, "day": key.day, "model": key.model, "mode": key.mode, **_sums(parts[key])}
        for key in sorted(parts)
    ]
    _add(session, UsageDaily, ["account_id", "day", "model", "mode"], rows)


def account_counters(session: Session, account_id: int) -> dict[CounterKey, Figures]:
    """Return all counters of an account; for verification."""
    query = select(UsageCounter.account_id, UsageCounter.period, UsageCounter.start, *_columns(UsageCounter))
    rows = session.execute(query.where(UsageCounter.account_id == account_id))
    return {CounterKey(row[0], Period(row[1]), row[2]): _figures(row[3:]) for row in rows}


def account_daily(session: Session, account_id: int) -> dict[DailyKey, Figures]:
    """Return all daily roll-ups of an account; for verification."""
    query = select(UsageDaily.account_id, UsageDaily.day, UsageDaily.model, UsageDaily.mode, *_columns(UsageDaily))
    return {
        DailyKey(*row[:4]): _figures(row[4:])
        for row in session.execute(query.where(UsageDaily.account_id == account_id))
    }


def clear_counters(session: Session, account_id: int) -> None:
    """Delete an account's counters and roll-ups; only a rebuild does so, and writes them anew at once."""
    session.execute(delete(UsageCounter).where(UsageCounter.account_id == account_id))
    session.execute(delete(UsageDaily).where(UsageDaily.account_id == account_id))


def _add(session: Session, table: type[UsageCounter | UsageDaily], key: list[str], rows: list[dict[str, Any]]) -> None:
    """Insert rows, or add their sums to those that are there; the database adds, so nothing concurrent is lost."""
    if not rows:
        return
    statement = insert(session, table)
    sums = {name: getattr(table, name) + statement.excluded[name] for name in SUMS}
    session.execute(statement.on_conflict_do_update(index_elements=key, set_=sums), rows)


def _columns(table: type[UsageCounter | UsageDaily]) -> list[Any]:
    return [getattr(table, name) for name in SUMS]


def _sums(figures: Figures) -> dict[str, int]:
    return {name: getattr(figures, name) for name in SUMS}


def _figures(row: Any) -> Figures:
    tokens, prompt, completion, requests, cost = map(int, row)
    return Figures(tokens, prompt, completion, prompt + completion, requests, cost)
