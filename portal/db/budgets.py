"""Budgets: what accounts may spend."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.tables import Budget
from portal.db.upserts import insert
from portal.rules.budgets import BudgetType, Limits


def limits(session: Session, account_id: int) -> Limits:
    """Return an account's limits; without any it is unlimited."""
    row = session.get(Budget, account_id)
    return Limits() if row is None else Limits(row.daily, row.monthly, row.total, BudgetType(row.type))


def set_limits(session: Session, account_id: int, new: Limits, now: datetime) -> None:
    """Replace an account's limits."""
    values = {"daily": new.daily, "monthly": new.monthly, "total": new.total, "type": new.type, "updated_at": now}
    session.execute(
        insert(session, Budget)
        .values(account_id=account_id, **values)
        .on_conflict_do_update(index_elements=["account_id"], set_=values)
    )
