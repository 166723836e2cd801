"""Billing: budgets, usage by model, lifetime sums, the price and the alert settings."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.spending.alerts import AlertSettings
from portal.views.spending.alerts import PastAlert, TestMail, alert_settings, load_past_alerts, load_test_mail
from portal.views.spending.budget import BudgetsView, load_budgets, with_outlooks
from portal.views.spending.summary import SummaryView, load_summary


@dataclass(frozen=True, slots=True)
class BillingView:
    """The figures of the Billing page."""

    budgets: BudgetsView
    summary: SummaryView
    alerts: AlertSettings
    past_alerts: tuple[PastAlert, ...]
    test_mail: TestMail | None


def load_billing(session: Session, account_id: int, now: datetime) -> BillingView:
    """Return an account's billing; the time does not depend on the number of requests."""
    budgets = load_budgets(session, account_id, now)
    return BillingView(
        budgets=with_outlooks(session, account_id, budgets, now),
        summary=load_summary(session, account_id, now),
        alerts=alert_settings(session, account_id),
        past_alerts=load_past_alerts(session, account_id, budgets, now),
        test_mail=load_test_mail(session, account_id),
    )
