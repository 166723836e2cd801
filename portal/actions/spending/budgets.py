"""Changes to the limits of budgets."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator, existing_account
from portal.actions.spending.crossings import note_crossings
from portal.db.audit import add_entry
from portal.db.people.accounts import lock_account
from portal.db.spending.budgets import limits as stored_limits
from portal.db.spending.budgets import limits_in_force, set_limits
from portal.errors import InvalidInput
from portal.rules.messages import message
from portal.rules.people.actors import Actor
from portal.rules.spending.budgets import MAX_LIMIT, Limits
from portal.settings import settings


def set_budget(session: Session, actor: Actor, account_id: int, limits: Limits, now: datetime) -> None:
    """Replace all limits of an account, and warn of thresholds that this crosses.

    Raises Forbidden, NotFound, Conflict for a deleted account, and InvalidInput for a limit out of bounds.
    """
    change_budget(session, actor, account_id, asdict(limits), now)


def change_budget(session: Session, actor: Actor, account_id: int, changes: Mapping[str, Any], now: datetime) -> Limits:
    """Change some limits of an account; return all of them. Raises the errors of `set_budget`."""
    check_administrator(session, actor)
    account = existing_account(session, account_id)
    lock_account(session, account.id)
    before = limits_in_force(session, account.id, now)
    limits = replace(stored_limits(session, account.id), **changes)
    check_limits(limits)
    set_limits(session, account.id, limits, now)
    old, new = asdict(before), asdict(limits)
    add_entry(session, actor, "budget.set", now, account_id=account.id, before=old, after=new)
    note_crossings(session, {account.id}, settings().budget_zone, now, limits_before=before)
    return limits


def check_limits(limits: Limits) -> None:
    """Raise InvalidInput with the name of the field for a limit out of bounds."""
    for name, limit in (("daily", limits.daily), ("monthly", limits.monthly), ("total", limits.total)):
        if limit is not None and not 0 <= limit <= MAX_LIMIT:
            raise InvalidInput(
                message("A limit is a whole number of tokens from 0 to {most}, or none.", most=MAX_LIMIT), name
            )
