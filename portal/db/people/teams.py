"""Teams: their members and their managers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.orm import Session

from portal.db.sql.upsert import insert
from portal.db.tables import Account, Reservation, Team, TeamCounter, TeamManager
from portal.rules.people.teams import TeamValues, team_key
from portal.rules.spending.budgets import Limits


def team(session: Session, team_id: int) -> Team | None:
    """Return the team with this id, with its present values."""
    return session.get(Team, team_id, populate_existing=True)


def team_named(session: Session, name: str) -> Team | None:
    """Return the team with this name, in upper or lower case."""
    return session.scalar(select(Team).where(Team.name_key == team_key(name)))


def team_values(row: Team) -> TeamValues:
    """Return what administrators edit of a team."""
    return TeamValues(row.name, row.cost_centre, row.active, team_limits(row))


def team_limits(row: Any) -> Limits:
    """Return the limits in a row with the columns of a team."""
    return Limits(row.daily, row.monthly, row.total)


def team_choices(session: Session) -> Sequence[tuple[int, str, bool]]:
    """Return id, name, and whether it is active, of all teams by name."""
    rows = session.execute(select(Team.id, Team.name, Team.active).order_by(Team.name_key))
    return [(row.id, row.name, row.active) for row in rows]


def add_team(session: Session, values: TeamValues, now: datetime) -> Team:
    """Store a new team; a taken name raises IntegrityError."""
    row = Team(name=values.name, cost_centre=values.cost_centre, active=values.active, created_at=now)
    row.daily, row.monthly, row.total = values.limits.daily, values.limits.monthly, values.limits.total
    session.add(row)
    session.flush()
    return row


def remove_team(session: Session, team_id: int) -> None:
    """Delete a team and the rows of its managers; a member or an event of it raises IntegrityError."""
    session.execute(delete(TeamManager).where(TeamManager.team_id == team_id))
    session.execute(delete(Team).where(Team.id == team_id))


def has_members(session: Session, team_id: int) -> bool:
    """Return whether a team has members, suspended ones included."""
    return bool(session.scalar(select(exists().where(Account.team_id == team_id))))


def has_usage(session: Session, team_id: int) -> bool:
    """Return whether usage was ever stored for a team."""
    return bool(session.scalar(select(exists().where(TeamCounter.team_id == team_id))))


def count_members(session: Session, team_id: int) -> int:
    """Return the number of members, suspended ones included."""
    return session.scalar(select(func.count()).select_from(Account).where(Account.team_id == team_id)) or 0


def set_team(session: Session, account_id: int, team_id: int | None) -> None:
    """Move an account, and the tokens that are reserved for its requests; an unknown team raises IntegrityError.

    The caller must lock the account first.
    """
    changes = {"team_id": team_id, "version": Account.version + 1}
    session.execute(update(Account).where(Account.id == account_id).values(changes))
    session.execute(update(Reservation).where(Reservation.account_id == account_id).values(team_id=team_id))


# Managers


def add_team_manager(session: Session, team_id: int, account_id: int) -> bool:
    """Store that an account manages a team; return whether it did not before."""
    new = insert(session, TeamManager).values(team_id=team_id, account_id=account_id).on_conflict_do_nothing()
    return session.scalar(new.returning(TeamManager.account_id)) is not None


def remove_team_manager(session: Session, team_id: int, account_id: int) -> bool:
    """Delete the row of a manager; return whether there was one."""
    wanted = TeamManager.team_id == team_id, TeamManager.account_id == account_id
    return bool(session.execute(delete(TeamManager).where(*wanted)).rowcount)  # type: ignore[attr-defined]  # a DELETE gives a CursorResult


def managed_teams(session: Session, account_id: int) -> Sequence[Team]:
    """Return the teams that an account manages, by name."""
    own = select(Team).join(TeamManager, TeamManager.team_id == Team.id).where(TeamManager.account_id == account_id)
    return list(session.scalars(own.order_by(Team.name_key)))


def manages_team(session: Session, account_id: int, team_id: int) -> bool:
    """Return whether an active account manages a team."""
    managers = select(TeamManager.account_id).join(Account, Account.id == TeamManager.account_id)
    wanted = TeamManager.team_id == team_id, TeamManager.account_id == account_id, Account.active.is_(True)
    return session.scalar(managers.where(*wanted)) is not None


def manages_account(session: Session, account_id: int, member_id: int) -> bool:
    """Return whether an active account manages the team of another account."""
    team_id = session.scalar(select(Account.team_id).where(Account.id == member_id, Account.id != account_id))
    return team_id is not None and manages_team(session, account_id, team_id)


def is_managed_by(account_id: int) -> ColumnElement[bool]:
    """Return the condition of accounts in a team that an account manages, except the account itself."""
    teams = select(TeamManager.team_id).where(TeamManager.account_id == account_id)
    return Account.team_id.in_(teams) & (Account.id != account_id)
