"""Granting and ending allowances: extra tokens for one period of an account."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator, existing_account
from portal.actions.fields import clean_field
from portal.actions.spending.crossings import note_crossings
from portal.db.audit import add_entry
from portal.db.people.accounts import lock_account
from portal.db.spending.allowances import add_allowance, allowance, tokens_in_force
from portal.db.spending.budgets import limits_in_force
from portal.db.tables import Allowance
from portal.errors import Conflict, InvalidInput, NotFound
from portal.rules.messages import message
from portal.rules.people.actors import Actor
from portal.rules.spending.allowances import (
    AllowanceState,
    NewAllowance,
    allowance_state,
    check_end,
    check_tokens,
    clean_reason,
)
from portal.rules.spending.budgets import MAX_LIMIT
from portal.settings import settings


def grant_allowance(session: Session, actor: Actor, account_id: int, new: NewAllowance, now: datetime) -> int:
    """Add tokens to a limit of an account from now on; return the id of the allowance.

    Raises Forbidden, NotFound, Conflict for a deleted account, and InvalidInput for a malformed value and for a period
    without a limit.
    """
    check_administrator(session, actor)
    account = existing_account(session, account_id)
    clean = NewAllowance(
        new.period,
        clean_field("tokens", check_tokens, new.tokens),
        clean_field("reason", clean_reason, new.reason),
        clean_field("ends_at", check_end, new.ends_at, now),
    )
    return store_allowance(session, actor, account.id, clean, now).id


def store_allowance(session: Session, actor: Actor, account_id: int, new: NewAllowance, now: datetime) -> Allowance:
    """Store an allowance after its values and the rights were checked. Raises InvalidInput without a limit."""
    lock_account(session, account_id)
    before = limits_in_force(session, account_id, now)
    check_has_limit(before.in_force(new.period))
    if tokens_in_force(session, account_id, new.period, now) + new.tokens > MAX_LIMIT:
        raise InvalidInput(
            message("All allowances of a period have at most {most} tokens together.", most=MAX_LIMIT), "tokens"
        )
    row = add_allowance(session, account_id, new, actor.account_id, now)
    values = {"period": new.period, "tokens": new.tokens, "ends_at": new.ends_at}
    add_entry(session, actor, "allowance.grant", now, account_id=account_id, allowance=row.id, after=values)
    note_crossings(session, {account_id}, settings().budget_zone, now, limits_before=before)
    return row


def end_allowance(
    session: Session, actor: Actor, allowance_id: int, now: datetime, *, account_id: int | None = None
) -> None:
    """End an allowance before its time; with `account_id` only one of that account.

    Raises Forbidden, NotFound, and Conflict if it has ended already.
    """
    found = allowance(session, allowance_id)
    if found is None or account_id not in {None, found.account_id}:
        raise NotFound(message("There is no such allowance."))
    check_administrator(session, actor)
    lock_account(session, found.account_id)
    session.refresh(found)
    if allowance_state(found.starts_at, found.ends_at, found.ended_at, now) is AllowanceState.ENDED:
        raise Conflict(message("This allowance has ended already."))
    before = limits_in_force(session, found.account_id, now)
    found.ended_at = now
    session.flush()
    values = {"period": found.period, "tokens": found.tokens, "ends_at": found.ends_at}
    add_entry(session, actor, "allowance.end", now, account_id=found.account_id, allowance=found.id, before=values)
    note_crossings(session, {found.account_id}, settings().budget_zone, now, limits_before=before)


def check_has_limit(limit: int | None) -> None:
    """Raise InvalidInput for a period without a limit, which extra tokens would not change."""
    if limit is None:
        raise InvalidInput(message("This budget has no limit, so there is nothing to add to."), "period")


def note_limit_after_allowances(session: Session, account_id: int, now: datetime) -> None:
    """Warn an account of thresholds that it has passed since an allowance has ended by itself."""
    lock_account(session, account_id)
    note_crossings(session, {account_id}, settings().budget_zone, now)
