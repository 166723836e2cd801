"""Changes to the limits of budgets."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator, check_holder_or_administrator, existing_account
from portal.actions.spending.crossings import note_crossings
from portal.db.audit import add_entry
from portal.db.people.accounts import lock_account
from portal.db.people.keys import key
from portal.db.spending.budgets import key_limits, limits_in_force, set_key_limits, set_limits
from portal.db.spending.budgets import limits as stored_limits
from portal.errors import Conflict, InvalidInput, NotFound
from portal.rules.messages import message
from portal.rules.people.actors import Actor
from portal.rules.periods import Period
from portal.rules.spending.budgets import MAX_LIMIT, Limits
from portal.settings import settings


def set_budget(
    session: Session, actor: Actor, account_id: int, limits: Limits, now: datetime, *, seen: Limits | None = None
) -> None:
    """Replace all limits of an account, and warn of thresholds that this crosses.

    `seen` are the limits from which the change was made; without them nobody is asked. Raises Forbidden, NotFound,
    InvalidInput for a limit out of bounds, and Conflict for a deleted account or if the limits are not `seen` any more.
    """
    change_budget(session, actor, account_id, asdict(limits), now, seen=seen)


def change_budget(
    session: Session,
    actor: Actor,
    account_id: int,
    changes: Mapping[str, Any],
    now: datetime,
    *,
    seen: Limits | None = None,
) -> Limits:
    """Change some limits of an account; return all of them. Raises the errors of `set_budget`."""
    check_administrator(session, actor)
    account = existing_account(session, account_id)
    lock_account(session, account.id)
    before = limits_in_force(session, account.id, now)
    stored = stored_limits(session, account.id)
    if seen is not None and stored != seen:
        raise Conflict(message("Somebody else has changed this budget meanwhile. Look at it again, then change it."))
    limits = replace(stored, **changes)
    check_limits(limits)
    set_limits(session, account.id, limits, now)
    old, new = asdict(stored), asdict(limits)
    add_entry(session, actor, "budget.set", now, account_id=account.id, before=old, after=new)
    note_crossings(session, {account.id}, settings().budget_zone, now, limits_before=before)
    return limits


def set_key_budget(
    session: Session, actor: Actor, account_id: int, key_id: int, limits: Limits, now: datetime
) -> Limits:
    """Replace the limits of a key of an account; without any limit it has no budget. Raises as `change_key_budget`."""
    values = {"daily": limits.daily, "monthly": limits.monthly, "total": limits.total}
    return change_key_budget(session, actor, account_id, key_id, values, now)


def change_key_budget(
    session: Session, actor: Actor, account_id: int, key_id: int, changes: Mapping[str, int | None], now: datetime
) -> Limits:
    """Change some limits of a key, as its owner or an administrator; return all of them.

    Raises Forbidden, NotSignedIn, NotFound, Conflict for a revoked key, and InvalidInput for a limit out of bounds.
    """
    check_holder_or_administrator(session, actor, account_id)
    lock_account(session, account_id)  # as reserving does, so that both see the same limits
    row = key(session, account_id, key_id)
    if row is None:
        raise NotFound(message("There is no such key."))
    if row.revoked_at is not None:
        raise Conflict(message("This key was revoked, so it needs no budget."))
    before = key_limits(session, row.id)
    limits = replace(before, **dict(changes))  # type: ignore[arg-type]  # names of limits
    check_limits(limits)
    set_key_limits(session, row.id, limits, now)
    old, new = ({period.value: each.set_for(period) for period in Period} for each in (before, limits))
    target = f"key:{row.prefix}"
    add_entry(session, actor, "key.budget", now, account_id=account_id, target=target, before=old, after=new)
    return limits


def check_limits(limits: Limits) -> None:
    """Raise InvalidInput with the name of the field for a limit out of bounds."""
    for name, limit in (("daily", limits.daily), ("monthly", limits.monthly), ("total", limits.total)):
        if limit is not None and not 0 <= limit <= MAX_LIMIT:
            raise InvalidInput(
                message("A limit is a whole number of tokens from 0 to {most}, or none.", most=MAX_LIMIT), name
            )
