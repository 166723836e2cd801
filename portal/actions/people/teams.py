"""Changes to teams: by administrators and operators.

Locks are taken in the order account, then team (`db.spending.authorization`). A change of a team locks the account of
its actor first, since the audit entry refers to it.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator, existing_account
from portal.actions.fields import clean_field
from portal.actions.people.accounts import unchanged_account
from portal.actions.spending.budgets import check_limits
from portal.db.audit import add_entry
from portal.db.people.accounts import active_account, lock_account
from portal.db.people.teams import (
    add_team,
    add_team_manager,
    has_members,
    has_usage,
    remove_team,
    remove_team_manager,
    set_team,
    team,
    team_named,
    team_values,
)
from portal.db.spending.authorization import lock_team
from portal.db.tables import Account, Team
from portal.errors import Conflict, InvalidInput, NotFound
from portal.rules.messages import Message, message
from portal.rules.people.actors import Actor
from portal.rules.people.teams import TeamValues, clean_cost_centre, clean_team_name
from portal.rules.spending.budgets import BudgetType, Limits


def create_team(
    session: Session,
    actor: Actor,
    name: str,
    cost_centre: str,
    now: datetime,
    limits: Limits = Limits(),  # noqa: B008  # it cannot change
) -> int:
    """Create a team without members; return its id. Raises Forbidden, InvalidInput, and Conflict for a taken name."""
    check_administrator(session, actor)
    text, centre = (
        clean_field("name", clean_team_name, name),
        clean_field("cost_centre", clean_cost_centre, cost_centre),
    )
    _check_team_limits(limits)
    _check_name_is_free(session, text)
    values = TeamValues(text, centre, limits=limits)
    try:
        row = add_team(session, values, now)
    except IntegrityError as error:  # another transaction has just taken it
        raise Conflict(_taken(text), "name") from error
    add_entry(session, actor, "team.create", now, target=f"team:{text}", after=_fields(values))
    return row.id


def change_team(
    session: Session,
    actor: Actor,
    team_id: int,
    now: datetime,
    *,
    name: str | None = None,
    cost_centre: str | None = None,
    version: str | None = None,
) -> None:
    """Change the name and the cost centre of a team; None leaves a field as it is.

    `version` is that of the values from which the change was made; without it nobody is asked. Raises Forbidden,
    NotFound, InvalidInput, and Conflict for a taken name, or if somebody has changed the team since `version`.
    """
    found = _team_to_change(session, actor, team_id, version)
    before = team_values(found)
    if name is not None:
        text = clean_field("name", clean_team_name, name)
        _check_name_is_free(session, text, found.id)
        found.name = text
    if cost_centre is not None:
        found.cost_centre = clean_field("cost_centre", clean_cost_centre, cost_centre)
    try:
        session.flush()
    except IntegrityError as error:  # another transaction has just taken it
        raise Conflict(_taken(name or ""), "name") from error
    _note(session, actor, "team.edit", before, team_values(found), now)


def set_team_budget(
    session: Session, actor: Actor, team_id: int, limits: Limits, now: datetime, *, version: str | None = None
) -> None:
    """Replace all limits of a team. Raises the errors of `change_team`, and InvalidInput for a limit out of bounds."""
    _check_team_limits(limits)
    found = _team_to_change(session, actor, team_id, version)
    before = team_values(found)
    found.daily, found.monthly, found.total = limits.daily, limits.monthly, limits.total
    session.flush()
    _note(session, actor, "team.budget", before, team_values(found), now)


def set_team_active(
    session: Session, actor: Actor, team_id: int, active: bool, now: datetime, *, version: str | None = None
) -> None:
    """Suspend a team, so that its members cannot spend, or activate it. Raises the errors of `change_team`."""
    found = _team_to_change(session, actor, team_id, version)
    before = team_values(found)
    found.active = active
    session.flush()
    _note(session, actor, "team.activate" if active else "team.suspend", before, team_values(found), now)


def delete_team(session: Session, actor: Actor, team_id: int, now: datetime) -> None:
    """Delete a team that has neither members nor usage. Raises Forbidden, NotFound, and Conflict for all others."""
    found = _team_to_change(session, actor, team_id)
    before = team_values(found)
    if has_members(session, team_id):
        raise Conflict(message("The team {name} has members. Move them first, or suspend the team.", name=before.name))
    if has_usage(session, team_id):
        raise Conflict(_used(before.name))
    try:
        remove_team(session, team_id)
    except IntegrityError as error:  # a request that began earlier was stored meanwhile
        raise Conflict(_used(before.name)) from error
    add_entry(session, actor, "team.delete", now, target=f"team:{before.name}", before=_fields(before))


# Members


def move_account(
    session: Session,
    actor: Actor,
    account_id: int,
    team_id: int | None,
    now: datetime,
    *,
    version: int | None = None,
) -> None:
    """Move an account into a team, or out of its team with None. Usage that is stored already stays where it counted.

    `version` is that of the account. Raises Forbidden, NotFound for an unknown account or team, and Conflict for a
    deleted account, a suspended team, or an account that was changed since `version`.
    """
    found = _member_to_move(session, actor, account_id, version)
    if found.team_id != team_id:
        _move(session, actor, found, team_id, now)


def remove_member(session: Session, actor: Actor, team_id: int, account_id: int, now: datetime) -> None:
    """Move an account out of this team. Raises the errors of `move_account`, and NotFound if it is not a member."""
    found = _member_to_move(session, actor, account_id, None)
    if found.team_id != team_id:
        raise NotFound(message("This account is not in the team."))
    _move(session, actor, found, None, now)


def _member_to_move(session: Session, actor: Actor, account_id: int, version: int | None) -> Account:
    """Return an account, locked with that of the actor, in one order, so that nobody waits in a ring."""
    check_administrator(session, actor)
    for locked in sorted({account_id, actor.account_id or account_id}):
        lock_account(session, locked)
    return unchanged_account(session, account_id, version)


def _move(session: Session, actor: Actor, found: Account, team_id: int | None, now: datetime) -> None:
    old, new = (None if each is None else _existing_team(session, each) for each in (found.team_id, team_id))
    if new is not None and not new.active:
        raise Conflict(message("The team {name} is suspended. Activate it first.", name=new.name))
    try:
        set_team(session, found.id, team_id)
    except IntegrityError as error:  # another transaction has just deleted it
        raise NotFound(_UNKNOWN) from error
    session.refresh(found)
    before, after = ({"team": None if each is None else each.name} for each in (old, new))
    add_entry(session, actor, "team.move", now, account_id=found.id, before=before, after=after)


def add_manager(session: Session, actor: Actor, team_id: int, account_id: int, now: datetime) -> None:
    """Let an account manage a team. May be repeated.

    Raises Forbidden, NotFound for an unknown account or team, and Conflict for an account that is suspended or deleted.
    """
    check_administrator(session, actor)
    manager = existing_account(session, account_id)
    if active_account(session, account_id) is None:
        raise Conflict(message("{username} is suspended. Activate the account first.", username=manager.username))
    found = _existing_team(session, team_id)
    if add_team_manager(session, team_id, account_id):
        values = {"manages": found.name}
        add_entry(session, actor, "team.add_manager", now, account_id=account_id, after=values)


def remove_manager(session: Session, actor: Actor, team_id: int, account_id: int, now: datetime) -> None:
    """End that an account manages a team. May be repeated. Raises Forbidden and NotFound."""
    check_administrator(session, actor)
    existing_account(session, account_id)
    found = _existing_team(session, team_id)
    if remove_team_manager(session, team_id, account_id):
        values = {"manages": found.name}
        add_entry(session, actor, "team.remove_manager", now, account_id=account_id, before=values)


_UNKNOWN = message("There is no such team.")


def _existing_team(session: Session, team_id: int) -> Team:
    found = team(session, team_id)
    if found is None:
        raise NotFound(_UNKNOWN)
    return found


def _team_to_change(session: Session, actor: Actor, team_id: int, version: str | None = None) -> Team:
    """Return a team, locked until the transaction ends."""
    check_administrator(session, actor)
    if actor.account_id is not None:
        active_account(session, actor.account_id)
    lock_team(session, team_id)
    found = _existing_team(session, team_id)
    if version is not None and team_values(found).version != version:
        raise Conflict(message("Somebody else has changed this team meanwhile. Look at it again, then change it."))
    return found


def _check_name_is_free(session: Session, name: str, team_id: int | None = None) -> None:
    other = team_named(session, name)
    if other is not None and other.id != team_id:
        raise Conflict(_taken(name), "name")


def _check_team_limits(limits: Limits) -> None:
    check_limits(limits)
    if limits.type is not BudgetType.SUBSCRIPTION:
        raise InvalidInput(message("The budget of a team is a subscription."), "type")


def _note(session: Session, actor: Actor, action: str, before: TeamValues, after: TeamValues, now: datetime) -> None:
    """Store the entry of a change, unless nothing was changed."""
    if before != after:
        old, new = _fields(before), _fields(after)
        add_entry(session, actor, action, now, target=f"team:{before.name}", before=old, after=new)


def _fields(values: TeamValues) -> Mapping[str, object]:
    limits = {period: tokens for period, tokens in asdict(values.limits).items() if period != "type"}
    return {"name": values.name, "cost_centre": values.cost_centre, "active": values.active, **limits}


def _taken(name: str) -> Message:
    return message("There is a team called {name} already.", name=name)


def _used(name: str) -> Message:
    return message("The team {name} has usage, which is kept. Suspend the team instead.", name=name)
