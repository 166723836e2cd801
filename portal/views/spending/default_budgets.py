"""The budgets that new accounts get."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.db.spending.default_budgets import default_budgets
from portal.rules.people.accounts import Role
from portal.rules.spending.budgets import Limits


@dataclass(frozen=True, slots=True)
class DefaultBudgetView:
    """The limits that a new account of a role gets; None without a default budget."""

    role: Role
    limits: Limits | None


def load_default_budgets(session: Session) -> tuple[DefaultBudgetView, ...]:
    """Return the default budget of every role."""
    return tuple(DefaultBudgetView(role, limits) for role, limits in default_budgets(session).items())
