"""The dashboard: budgets, usage of the last two weeks, keys and template."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.views.people.keys import KeyView, load_active_keys
from portal.views.spending.budget import BudgetsView, load_budgets, with_outlooks
from portal.views.spending.summary import DayUsage, load_days
from portal.views.templates import TemplateView, load_template


@dataclass(frozen=True, slots=True)
class DashboardView:
    """The figures of the dashboard."""

    budgets: BudgetsView
    days: tuple[DayUsage, ...]
    keys: tuple[KeyView, ...]
    template: TemplateView | None


def load_dashboard(session: Session, account_id: int, now: datetime) -> DashboardView:
    """Return an account's dashboard; the time does not depend on the number of requests."""
    return DashboardView(
        budgets=with_outlooks(session, account_id, load_budgets(session, account_id, now), now),
        days=load_days(session, account_id, now),
        keys=load_active_keys(session, account_id, now),
        template=load_template(session, account_id),
    )
