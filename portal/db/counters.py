"""Period counters: what was used in a day, a month or a whole life, without reading the events."""

from collections.abc import Collection, Mapping
from datetime import date

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal.db.sums import add_figures, figures_of, summed
from portal.db.tables import Account, UsageCounter
from portal.rules.figures import Figures
from portal.rules.periods import DayRange, Period
from portal.rules.rollups import CounterKey


def counter(session: Session, account_id: int, period: Period, start: date) -> Figures:
    """Return what an account used in the period that starts on `start`; zeros where it used nothing."""
    row = session.execute(
        select(*summed(UsageCounter)).where(
            UsageCounter.account_id == account_id, UsageCounter.period == period, UsageCounter.start == start
        )
    ).first()
    return figures_of(row) if row else Figures()


def lifetimes(session: Session, account_ids: Collection[int]) -> dict[int, Figures]:
    """Return what several accounts used in their whole life; those that used nothing are left out."""
    rows = session.execute(
        select(UsageCounter.account_id, *summed(UsageCounter)).where(
            UsageCounter.account_id.in_(account_ids), UsageCounter.period == Period.TOTAL
        )
    )
    return {row[0]: figures_of(row[1:]) for row in rows}


def month_of_all(session: Session, first: date) -> list[tuple[str, Figures]]:
    """Return what each account used in a month, by user name, the largest first."""
    rows = session.execute(
        select(Account.username, *summed(UsageCounter))
        .join(Account, Account.id == UsageCounter.account_id)
        .where(UsageCounter.period == Period.MONTHLY, UsageCounter.start == first)
        .order_by(UsageCounter.tokens.desc(), Account.username)
    )
    return [(row[0], figures_of(row[1:])) for row in rows]


def count_requests(session: Session) -> int:
    """Return how many requests all accounts have made, pruned ones included."""
    wanted = select(func.sum(UsageCounter.requests)).where(UsageCounter.period == Period.TOTAL)
    return int(session.scalar(wanted) or 0)


def daily_usage(session: Session, account_id: int, days: DayRange) -> dict[date, Figures]:
    """Return what an account used on each of `days`, oldest first, zero days included."""
    rows = session.execute(
        select(UsageCounter.start, *summed(UsageCounter)).where(
            UsageCounter.account_id == account_id,
            UsageCounter.period == Period.DAILY,
            UsageCounter.start.between(days.first, days.last),
        )
    )
    used = {row[0]: figures_of(row[1:]) for row in rows}
    return {day: used.get(day, Figures()) for day in days}


def first_day(session: Session, account_id: int) -> date | None:
    """Return the first day on which an account used anything."""
    return session.scalar(
        select(func.min(UsageCounter.start)).where(
            UsageCounter.account_id == account_id, UsageCounter.period == Period.DAILY
        )
    )


def add_to_counters(session: Session, parts: Mapping[CounterKey, Figures]) -> None:
    """Add to period counters."""
    add_figures(session, UsageCounter, ("account_id", "period", "start"), parts)


def account_counters(session: Session, account_id: int) -> dict[CounterKey, Figures]:
    """Return all counters of an account; for verification."""
    query = select(UsageCounter.account_id, UsageCounter.period, UsageCounter.start, *summed(UsageCounter))
    rows = session.execute(query.where(UsageCounter.account_id == account_id))
    return {CounterKey(row[0], Period(row[1]), row[2]): figures_of(row[3:]) for row in rows}


def clear_counters(session: Session, account_id: int) -> None:
    """Delete an account's counters; only a rebuild does so, and writes them anew at once."""
    session.execute(delete(UsageCounter).where(UsageCounter.account_id == account_id))
