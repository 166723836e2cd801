"""Default budgets: the limits that a new account of each role gets."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.db.spending.budgets import set_limits, stored_limits_of
from portal.db.sql.upsert import upsert
from portal.db.tables import DefaultBudget
from portal.rules.people.accounts import Role
from portal.rules.spending.budgets import Limits


def default_budgets(session: Session) -> dict[Role, Limits | None]:
    """Return the default budget of every role; None where new accounts get no budget."""
    stored = {row.role: stored_limits_of(row) for row in session.scalars(select(DefaultBudget))}
    return {role: stored.get(role) for role in Role}


def set_default_budget(session: Session, role: Role, new: Limits | None, now: datetime) -> None:
    """Replace the default budget of a role; None removes it."""
    if new is None:
        session.execute(delete(DefaultBudget).where(DefaultBudget.role == role))
    else:
        upsert(session, DefaultBudget, {"role": role.value}, asdict(new) | {"updated_at": now})


def apply_default_budget(session: Session, account_id: int, role: Role, now: datetime) -> Limits | None:
    """Set the limits of a new account to the default budget of its role; return them, None without one."""
    row = session.get(DefaultBudget, role.value)
    if row is None:
        return None
    set_limits(session, account_id, limits := stored_limits_of(row), now)
    return limits
