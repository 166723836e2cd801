"""The dashboard: budgets, usage of the last two weeks, keys and template."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from portal.rules.periods import Period
from portal.settings import settings
from portal.views.people.first_steps import FirstSteps, load_open_steps
from portal.views.people.keys import KeyView, load_active_keys
from portal.views.spending.budget import BudgetsView, load_budgets, with_outlooks
from portal.views.spending.budget_requests import BudgetRequestView, load_card_requests
from portal.views.spending.summary import DayUsage, load_days
from portal.views.templates import TemplateView, load_template


@dataclass(frozen=True, slots=True)
class DashboardView:
    """The figures of the dashboard; `requests` for more tokens are those that the budget cards show.

    An administrator without requests sees the `first_steps` as long as one of them is open.
    """

    budgets: BudgetsView
    days: tuple[DayUsage, ...]
    keys: tuple[KeyView, ...]
    template: TemplateView | None
    requests: Mapping[Period, BudgetRequestView] = field(default_factory=dict)
    first_steps: FirstSteps | None = None


def load_dashboard(session: Session, account_id: int, now: datetime) -> DashboardView:
    """Return an account's dashboard; the time does not depend on the number of requests."""
    budgets = with_outlooks(session, account_id, load_budgets(session, account_id, now), now)
    return DashboardView(
        budgets=budgets,
        days=load_days(session, account_id, now),
        keys=load_active_keys(session, account_id, now),
        template=load_template(session, account_id),
        requests={} if settings().is_desktop else load_card_requests(session, account_id, now),
        first_steps=None if budgets.total.figures.requests else load_open_steps(session, account_id),
    )
