"""The alerts of an account in the bell."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from portal.db.tables import Crossing
from portal.rules.periods import Period, day_of, period_start
from portal.rules.spending.alerts import CrossingKind
from portal.settings import settings
from portal.views.rows import view_of
from portal.views.spending.budget import BudgetsView


@dataclass(frozen=True, slots=True)
class CrossingView:
    """An alert about a budget; `threshold` is in percent, and None for a forecast.

    `percent` is the used share of the present limit; None if the period is over or has no limit. `is_same_limit` is
    whether the limit is the same as at the crossing.
    """

    id: int
    period: Period
    kind: CrossingKind
    threshold: int | None
    consumed: int
    limit: int
    crossed_at: datetime
    is_read: bool
    percent: Decimal | None = None
    is_same_limit: bool = True

    @property
    def at(self) -> datetime:
        """The time of the alert."""
        return self.crossed_at


def crossing_view(row: Crossing, budgets: BudgetsView, now: datetime) -> CrossingView:
    """Return a crossing, compared with the present budgets of the account."""
    period = Period(row.period)
    runs = row.start == period_start(period, day_of(now, settings().budget_zone))
    present = next(view.budget for view in budgets.all if view.period is period) if runs else None
    return view_of(
        CrossingView,
        row,
        period=period,
        kind=CrossingKind(row.kind),
        is_read=row.read_at is not None,
        percent=present.percent if present else None,
        is_same_limit=present is None or present.limit == row.limit,
    )
