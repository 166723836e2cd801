"""The alerts of an account in the bell."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from portal.db.spending.crossings import count_unread as count_unread  # noqa: PLC0414  # for pages, which do not import db
from portal.db.spending.crossings import crossings
from portal.db.tables import Crossing
from portal.rules.periods import Period, day_of, period_start
from portal.rules.spending.alerts import CrossingKind
from portal.settings import settings
from portal.views.rows import view_of
from portal.views.spending.budget import BudgetsView, load_budgets

SHOWN = 20
"""Number of crossings in the bell."""


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


@dataclass(frozen=True, slots=True)
class BellView:
    """The number of unread crossings, and the newest crossings."""

    unread: int
    crossings: tuple[CrossingView, ...]


def load_bell(session: Session, account_id: int, now: datetime) -> BellView:
    """Return the bell of an account."""
    newest, budgets = crossings(session, account_id, SHOWN), load_budgets(session, account_id, now)
    return BellView(count_unread(session, account_id), tuple(crossing_view(row, budgets, now) for row in newest))


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
