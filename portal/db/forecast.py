"""What forecasts are made from: an account's tokens by the day and by the hour, from counters and roll-ups."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db.tables import UsageCounter, UsageHourly
from portal.rules.periods import DayRange, Period


def tokens_by_day(session: Session, account_id: int, days: DayRange) -> dict[date, int]:
    """Return the billable tokens of each of `days`, zero days included; one counter is read for each."""
    rows = session.execute(
        select(UsageCounter.start, UsageCounter.tokens).where(
            UsageCounter.account_id == account_id,
            UsageCounter.period == Period.DAILY,
            UsageCounter.start.between(days.first, days.last),
        )
    )
    return dict.fromkeys(days, 0) | {row.start: row.tokens for row in rows}


def tokens_by_hour(
    session: Session, account_id: int, since: datetime, until: datetime
) -> Sequence[tuple[datetime, int]]:
    """Return the billable tokens of the hours (UTC) that begin in a span and have any, without pruned requests."""
    rows = session.execute(
        select(UsageHourly.hour, func.sum(UsageHourly.tokens))
        .where(UsageHourly.account_id == account_id, UsageHourly.hour >= since, UsageHourly.hour < until)
        .group_by(UsageHourly.hour)
    )
    return [(hour, int(tokens)) for hour, tokens in rows]
