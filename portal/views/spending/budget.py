"""The budgets of an account: limits, usage and forecast."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from portal.db.metering.totals import tokens_by_day, tokens_by_hour
from portal.db.people.accounts import all_accounts
from portal.db.spending.alerts import accounts_with_forecast
from portal.db.spending.budgets import BudgetStatus, budget_status, budget_status_of_key, budget_status_of_session
from portal.db.spending.crossings import full_since
from portal.rules.metering.figures import Figures
from portal.rules.people.secrets import API_KEY, digest, is_secret
from portal.rules.periods import (
    DayRange,
    Period,
    day_of,
    elapsed_share,
    end_of_day,
    period_start,
    resets_at,
    start_of_day,
)
from portal.rules.spending.allowances import Extra
from portal.rules.spending.budgets import BudgetType, Level, PeriodBudget
from portal.rules.spending.forecast import SHAPE_DAYS, Outlook, Rhythm, history_days, outlook, rhythm_of
from portal.settings import settings


@dataclass(frozen=True, slots=True)
class BudgetView:
    """The budget of one period, for a card or a table row.

    `budget` is in billable tokens; `figures` has the raw tokens, requests and cost of the same requests. `days` are the
    counted days of the budget zone (None before the first usage of a total). `resets_at` is None for a budget that does
    not reset. `elapsed` is the elapsed share of the period, from 0 to 1; None for the total. `outlook` is the forecast;
    None unless it was loaded (`with_outlooks`). `used_up_at` is when the budget was first found to be used up at its
    present limit; None if unknown or not used up. `extra` are the allowances that the limit includes; None without one.
    """

    period: Period
    budget: PeriodBudget
    figures: Figures
    days: DayRange | None
    resets_at: datetime | None
    elapsed: float | None
    outlook: Outlook | None = None
    used_up_at: datetime | None = None
    extra: Extra | None = None

    @property
    def percent(self) -> Decimal | None:
        """Percentage with one decimal; None without a limit."""
        return self.budget.percent

    @property
    def level(self) -> Level | None:
        """The level of use; None without a limit."""
        return self.budget.level

    @property
    def allows_again_at(self) -> datetime | None:
        """When a used-up budget allows requests again; None if its limit must be raised first, such as a limit of 0."""
        return self.resets_at if self.budget.limit else None


@dataclass(frozen=True, slots=True)
class BudgetsView:
    """The three budgets of an account at one moment."""

    type: BudgetType
    daily: BudgetView
    monthly: BudgetView
    total: BudgetView

    @property
    def all(self) -> tuple[BudgetView, BudgetView, BudgetView]:
        """The three budgets in the order of the pages."""
        return self.daily, self.monthly, self.total


@dataclass(frozen=True, slots=True)
class SessionBudgets:
    """The budgets of the account of a session, and when the use of the session was last stored."""

    budgets: BudgetsView
    seen_at: datetime


def load_budgets(session: Session, account_id: int, now: datetime) -> BudgetsView:
    """Return an account's budgets at `now`; reads three counters."""
    return budgets_of(budget_status(session.connection(), account_id, _today(now), now), now)


def load_all_budgets(session: Session, now: datetime) -> list[tuple[str, BudgetsView]]:
    """Return user name and budgets of all active accounts, by user name; for operators."""
    return [(row.username, load_budgets(session, row.id, now)) for row in all_accounts(session) if row.active]


def load_session_budgets(connection: Connection, token: str, now: datetime) -> SessionBudgets | None:
    """Return the budgets for a session token; None if the session has ended or the account is suspended."""
    found = budget_status_of_session(connection, digest(token), _today(now), now)
    return None if found is None else SessionBudgets(budgets_of(found[0], now), found[1])


def load_key_budgets(connection: Connection, api_key: str, now: datetime) -> BudgetsView | None:
    """Return the budgets of the account with this API key; None unless the key is usable."""
    found = budget_status_of_key(connection, digest(api_key), _today(now), now) if is_secret(api_key, API_KEY) else None
    return None if found is None else budgets_of(found, now)


def with_outlooks(session: Session, account_id: int, budgets: BudgetsView, now: datetime) -> BudgetsView:
    """Return the same budgets with forecasts. The JSON routes leave these out, since they are called often.

    Without a limit, this reads nothing. Else it reads the counters of up to eight weeks, the roll-ups of two weeks, and
    the crossings of used-up budgets.
    """
    tz = settings().budget_zone
    is_limited = any(view.budget.limit is not None for view in budgets.all)
    rhythm = _rhythm(session, account_id, budgets, now) if is_limited else None
    is_any_full = any(view.budget.is_used_up for view in budgets.all)
    since = full_since(session, account_id, day_of(now, tz)) if is_any_full else {}

    def with_outlook(view: BudgetView) -> BudgetView:
        forecast = outlook(view.period, view.budget, rhythm, budgets.daily.budget.consumed, now, tz)
        full_at = since.get((view.period, view.budget.limit or 0)) if view.budget.is_used_up else None
        return replace(view, outlook=forecast, used_up_at=full_at)

    return BudgetsView(budgets.type, *map(with_outlook, budgets.all))


def load_early_ends(session: Session, now: datetime) -> list[tuple[int, Period]]:
    """Return account id and period of budgets that will be used up early, of accounts with forecast alerts."""
    ends = []
    for account_id in accounts_with_forecast(session):
        budgets = with_outlooks(session, account_id, load_budgets(session, account_id, now), now)
        early = [view.period for view in budgets.all if view.outlook is not None and view.outlook.ends_early]
        ends += [(account_id, period) for period in early]
    return ends


def _rhythm(session: Session, account_id: int, budgets: BudgetsView, now: datetime) -> Rhythm | None:
    tz = settings().budget_zone
    today = day_of(now, tz)
    days = history_days(budgets.total.days.first if budgets.total.days else None, today)
    if days is None:
        return None
    first = max(days.first, today - timedelta(SHAPE_DAYS))
    hours = tokens_by_hour(session, account_id, start_of_day(first, tz), end_of_day(days.last, tz))
    return rhythm_of(tokens_by_day(session, account_id, days), hours, today, tz)


def _today(now: datetime) -> date:
    return day_of(now, settings().budget_zone)


def budgets_of(found: BudgetStatus, now: datetime) -> BudgetsView:
    """Return the budgets of an account or a team from its limits and usage at `now`, without forecasts."""
    tz = settings().budget_zone
    today = day_of(now, tz)

    def view(period: Period) -> BudgetView:
        figures = found.used[period]
        resets = found.limits.resets(period)
        return BudgetView(
            period=period,
            budget=PeriodBudget(found.limits.in_force(period), figures.tokens),
            figures=figures,
            days=_days(period, period_start(period, today), today, found.began),
            resets_at=resets_at(period, now, tz) if resets else None,
            elapsed=elapsed_share(period, now, tz) if resets else None,
            extra=found.extra.get(period),
        )

    return BudgetsView(found.limits.type, view(Period.DAILY), view(Period.MONTHLY), view(Period.TOTAL))


def _days(period: Period, start: date, today: date, began: date | None) -> DayRange | None:
    if period is not Period.TOTAL:
        return DayRange(start, today)
    return None if began is None else DayRange(began, max(began, today))
