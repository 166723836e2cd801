"""What is left of an account's budgets."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from portal.db.budgets import limits
from portal.db.counters import counter, first_day
from portal.rules.budgets import BudgetType, Level, PeriodBudget
from portal.rules.figures import Figures
from portal.rules.periods import DayRange, Period, day_of, elapsed_share, period_start, resets_at
from portal.settings import settings


@dataclass(frozen=True, slots=True)
class BudgetView:
    """One budget card, one row of the status table.

    `budget` is in billable tokens; `figures` has the raw ones, requests and cost of the same requests. `days` are the
    days of the budget zone that it counts (None before the first usage of a total). `resets_at` is None where nothing
    resets. `elapsed` is the share of the period that has gone, from 0 to 1; None for the total.
    """

    period: Period
    budget: PeriodBudget
    figures: Figures
    days: DayRange | None
    resets_at: datetime | None
    elapsed: float | None

    @property
    def percent(self) -> Decimal | None:
        """Percentage with one decimal; None without a limit."""
        return self.budget.percent

    @property
    def level(self) -> Level | None:
        """How full it is; None without a limit."""
        return self.budget.level


@dataclass(frozen=True, slots=True)
class BudgetsView:
    """All three budgets of an account, of one moment."""

    type: BudgetType
    daily: BudgetView
    monthly: BudgetView
    total: BudgetView

    @property
    def all(self) -> tuple[BudgetView, BudgetView, BudgetView]:
        """The three, in the order in which they are shown."""
        return self.daily, self.monthly, self.total


def load_budgets(session: Session, account_id: int, now: datetime) -> BudgetsView:
    """Return an account's budgets at `now`; three counters are read, however many requests there were."""
    tz = settings().budget_zone
    today = day_of(now, tz)
    own = limits(session, account_id)
    began = first_day(session, account_id)

    def view(period: Period) -> BudgetView:
        start = period_start(period, today)
        figures = counter(session, account_id, period, start)
        resets = own.resets(period)
        return BudgetView(
            period=period,
            budget=PeriodBudget(own.in_force(period), figures.tokens),
            figures=figures,
            days=_days(period, start, today, began),
            resets_at=resets_at(period, now, tz) if resets else None,
            elapsed=elapsed_share(period, now, tz) if resets else None,
        )

    return BudgetsView(own.type, view(Period.DAILY), view(Period.MONTHLY), view(Period.TOTAL))


def _days(period: Period, start: date, today: date, began: date | None) -> DayRange | None:
    if period is not Period.TOTAL:
        return DayRange(start, today)
    return None if began is None else DayRange(began, max(began, today))
