"""Daily and hourly roll-ups: what was used for what, without reading the events."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal.db.sums import add_figures, figures_of, summed
from portal.db.tables import UsageByModel, UsageDaily, UsageHourly, UsagePruned
from portal.rules.figures import Figures
from portal.rules.periods import DayRange
from portal.rules.rollups import DailyKey, HourlyKey, ModelKey

_DETAIL = ("model", "mode", "api_key_id", "failed")
MODEL = ("account_id", "day", "model", "mode")
DAILY = ("account_id", "day", *_DETAIL)
HOURLY = ("account_id", "hour", *_DETAIL)


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """What one model in one mode was used for."""

    model: str
    mode: str
    figures: Figures


def usage_by_model(session: Session, account_id: int, days: DayRange) -> list[ModelUsage]:
    """Return an account's consumption over `days`, one row per model and mode, largest first."""
    sums = [func.sum(column) for column in summed(UsageByModel)]
    rows = session.execute(
        select(UsageByModel.model, UsageByModel.mode, *sums)
        .where(UsageByModel.account_id == account_id, UsageByModel.day.between(days.first, days.last))
        .group_by(UsageByModel.model, UsageByModel.mode)
        .order_by(sums[0].desc(), UsageByModel.model, UsageByModel.mode)
    )
    return [ModelUsage(row[0], row[1], figures_of(row[2:])) for row in rows]


def modes(session: Session, account_id: int) -> list[str]:
    """Return all modes an account ever used, in order: each is the least above the one before, found in an index."""
    least = select(func.min(UsageByModel.mode)).where(UsageByModel.account_id == account_id)
    found = least.cte("found", recursive=True)
    found = found.union_all(
        select(least.where(UsageByModel.mode > found.c[0]).scalar_subquery()).where(found.c[0].is_not(None))
    )
    return list(session.scalars(select(found.c[0]).where(found.c[0].is_not(None))))


def add_to_models(session: Session, parts: Mapping[ModelKey, Figures]) -> None:
    """Add to what was used of each model."""
    add_figures(session, UsageByModel, MODEL, parts)


def add_to_daily(session: Session, parts: Mapping[DailyKey, Figures]) -> None:
    """Add to daily roll-ups."""
    add_figures(session, UsageDaily, DAILY, parts)


def add_to_hourly(session: Session, parts: Mapping[HourlyKey, Figures]) -> None:
    """Add to hourly roll-ups."""
    add_figures(session, UsageHourly, HOURLY, parts)


def take_from_hourly(session: Session, account_id: int, parts: Mapping[HourlyKey, Figures]) -> None:
    """Take the figures of events that are being pruned out of the hours they were in; an empty hour goes."""
    if not parts:
        return
    add_to_hourly(session, {key: -figures for key, figures in parts.items()})
    until = max(key.hour for key in parts)
    session.execute(
        delete(UsageHourly).where(
            UsageHourly.account_id == account_id, UsageHourly.hour <= until, UsageHourly.requests == 0
        )
    )


def add_to_pruned(session: Session, parts: Mapping[DailyKey, Figures]) -> None:
    """Add to what the pruned events of each day added up to."""
    add_figures(session, UsagePruned, DAILY, parts)


def pruned_requests(session: Session) -> int:
    """Return how many requests the pruned events of all accounts were."""
    return int(session.scalar(select(func.sum(UsagePruned.requests))) or 0)


def stored_models(session: Session, account_id: int) -> Iterator[tuple[ModelKey, Figures]]:
    """Yield what an account used of each model in the order of days, without holding it all; for verification."""
    return ((ModelKey(*key), figures) for key, figures in _stream(session, account_id, UsageByModel, MODEL))


def stored_daily(session: Session, account_id: int) -> Iterator[tuple[DailyKey, Figures]]:
    """Yield an account's daily roll-ups in the order of days, likewise."""
    return ((DailyKey(*key), figures) for key, figures in _stream(session, account_id, UsageDaily, DAILY))


def stored_hourly(session: Session, account_id: int) -> Iterator[tuple[HourlyKey, Figures]]:
    """Yield an account's hourly roll-ups in the order of hours, likewise."""
    return ((HourlyKey(*key), figures) for key, figures in _stream(session, account_id, UsageHourly, HOURLY))


def stored_pruned(session: Session, account_id: int) -> Iterator[tuple[DailyKey, Figures]]:
    """Yield what an account's pruned events added up to, in the order of days, likewise."""
    return ((DailyKey(*key), figures) for key, figures in _stream(session, account_id, UsagePruned, DAILY))


def clear_roll_ups(session: Session, account_id: int) -> None:
    """Delete an account's roll-ups; only a rebuild does so, and writes them anew at once. What was pruned stays."""
    for table in (UsageByModel, UsageDaily, UsageHourly):
        session.execute(delete(table).where(table.account_id == account_id))


def _stream(session: Session, account_id: int, table: Any, key: tuple[str, ...]) -> Iterator[tuple[list[Any], Figures]]:
    columns = [getattr(table, name) for name in key]
    query = select(*columns, *summed(table)).where(table.account_id == account_id).order_by(columns[1])
    with session.execute(query.execution_options(yield_per=1000)) as rows:  # closed also when nobody reads to the end
        for row in rows:
            yield list(row[: len(key)]), figures_of(row[len(key) :])
