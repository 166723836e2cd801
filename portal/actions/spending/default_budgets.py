"""Changes to the default budgets of new accounts."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator
from portal.actions.spending.budgets import check_limits
from portal.db.audit import add_entry
from portal.db.spending.default_budgets import default_budgets
from portal.db.spending.default_budgets import set_default_budget as store
from portal.rules.people.accounts import Role
from portal.rules.people.actors import Actor
from portal.rules.spending.budgets import Limits


def set_default_budget(session: Session, actor: Actor, role: Role, limits: Limits | None, now: datetime) -> None:
    """Replace the budget that new accounts of a role get; None gives them none. Present accounts keep theirs.

    Raises Forbidden, and InvalidInput for a limit out of bounds.
    """
    check_administrator(session, actor)
    before = default_budgets(session)[role]
    if limits is not None:
        check_limits(limits)
    store(session, role, limits, now)
    add_entry(session, actor, "budget.default", now, role=role, before=_details(before), after=_details(limits))


def change_default_budget(
    session: Session, actor: Actor, role: Role, changes: Mapping[str, Any], now: datetime
) -> Limits:
    """Change some limits of a default budget; return all of them. Raises the errors of `set_default_budget`."""
    limits = replace(default_budgets(session)[role] or Limits(), **changes)
    set_default_budget(session, actor, role, limits, now)
    return limits


def _details(limits: Limits | None) -> dict[str, object] | None:
    return None if limits is None else asdict(limits)
