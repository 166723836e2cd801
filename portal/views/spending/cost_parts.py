"""How the cost of one row of Billing came about: which price applied to which of its requests."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.metering.totals import usage_by_model
from portal.db.spending.cost_parts import parts_of_model
from portal.errors import NotFound
from portal.rules.messages import message
from portal.rules.periods import end_of_day, last_days, start_of_day
from portal.rules.spending.cost_parts import CostParts, cost_parts
from portal.settings import settings
from portal.views.spending.summary import MODEL_DAYS


def load_cost_parts(session: Session, account_id: int, model: str, mode: str, now: datetime) -> CostParts:
    """Return the parts of an account's cost of a model and mode in the last 30 days.

    Reads the requests of these days. Raises NotFound for a model without requests in them.
    """
    tz = settings().budget_zone
    days = last_days(MODEL_DAYS, now, tz)
    rows = usage_by_model(session, account_id, days)
    total = next((row.figures for row in rows if (row.model, row.mode) == (model, mode)), None)
    if total is None:
        raise NotFound(message("There are no such requests in the last 30 days."))
    since, until = start_of_day(days.first, tz), end_of_day(days.last, tz)
    return cost_parts(parts_of_model(session, account_id, model, mode, since, until), total)
