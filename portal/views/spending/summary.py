"""Sums of usage: lifetime, this month, by model and by day, with the price in force."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from portal.db.metering.totals import ModelUsage, counter, daily_usage, first_day, usage_by_model
from portal.db.spending.prices import price_book
from portal.rules.metering.figures import Figures
from portal.rules.periods import EPOCH_DAY, DayRange, Period, day_of, first_of_month, last_days
from portal.rules.spending.prices import Price, PriceBook
from portal.settings import settings

MODEL_DAYS = 30
CHART_DAYS = 14


@dataclass(frozen=True, slots=True)
class DayUsage:
    """One bar of the chart: a whole day of the budget zone."""

    day: date
    figures: Figures


@dataclass(frozen=True, slots=True)
class SummaryView:
    """An account's sums. `by_model` covers `model_days`, largest first; `daily` the last 14 days, oldest first.

    `price` is None if none is in force.
    """

    total: Figures
    month: Figures
    by_model: tuple[ModelUsage, ...]
    model_days: DayRange
    daily: tuple[DayUsage, ...]
    price: Price | None
    since: date | None


def load_summary(session: Session, account_id: int, now: datetime) -> SummaryView:
    """Return an account's sums at `now`, from counters and roll-ups only."""
    tz = settings().budget_zone
    today = day_of(now, tz)
    days = last_days(MODEL_DAYS, now, tz)
    return SummaryView(
        total=counter(session, account_id, Period.TOTAL, EPOCH_DAY),
        month=counter(session, account_id, Period.MONTHLY, first_of_month(today)),
        by_model=tuple(usage_by_model(session, account_id, days)),
        model_days=days,
        daily=load_days(session, account_id, now),
        price=PriceBook(price_book(session)).general(now),
        since=first_day(session, account_id),
    )


def load_days(session: Session, account_id: int, now: datetime) -> tuple[DayUsage, ...]:
    """Return the bars of the chart, also for days without usage."""
    days = last_days(CHART_DAYS, now, settings().budget_zone)
    return tuple(DayUsage(day, figures) for day, figures in daily_usage(session, account_id, days).items())
