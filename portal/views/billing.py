"""Billing: budgets, consumption by model, lifetime sums, the price and the alert settings, all of one moment."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.alerts import AlertSettings
from portal.views.alerts import load_alerts
from portal.views.budget import BudgetsView, load_budgets
from portal.views.summary import SummaryView, load_summary


@dataclass(frozen=True, slots=True)
class BillingView:
    """What the Billing page shows."""

    budgets: BudgetsView
    summary: SummaryView
    alerts: AlertSettings


def load_billing(session: Session, account_id: int, now: datetime) -> BillingView:
    """Return an account's billing; its cost does not grow with the number of requests."""
    return BillingView(
        budgets=load_budgets(session, account_id, now),
        summary=load_summary(session, account_id, now),
        alerts=load_alerts(session, account_id),
    )
