"""The list of teams, one team, and its members, with figures from counters and from the roll-ups of the members."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, and_, bindparam, case, cast, func, select
from sqlalchemy.orm import Session, aliased

from portal.db.metering.totals import figures_of, summed
from portal.db.people.teams import team_limits
from portal.db.spending.budgets import BUDGET, COUNTERS, BudgetStatus, limits_of, starts, with_counters
from portal.db.sql.functions import contains, folded, largest
from portal.db.sql.lists import ListQuery
from portal.db.tables import Account, Budget, Team, TeamCounter, TeamManager, UsageDaily
from portal.rules.lists import ListFilter
from portal.rules.metering.figures import SUMS, Figures
from portal.rules.people.team_list import TeamStatus
from portal.rules.periods import DayRange, Period
from portal.rules.spending.budgets import Limits

_COUNTERS = {period: aliased(TeamCounter, name=f"counter_{period}") for period in Period}
_COLUMNS = ("id", "name", "cost_centre", "active", "created_at")
_LIMITS = ("daily", "monthly", "total")
_MEMBERS = select(func.count()).select_from(Account).where(Account.team_id == Team.id).correlate(Team).scalar_subquery()


@dataclass(frozen=True, slots=True)
class TeamListRow:
    """A team in the list; `used` is the usage in the three periods of a day."""

    id: int
    name: str
    cost_centre: str
    active: bool
    created_at: datetime
    members: int
    limits: Limits
    used: Mapping[Period, Figures]


class Person(NamedTuple):
    """An account in a team, as member or manager."""

    id: int
    username: str
    display_name: str
    active: bool


class Candidate(NamedTuple):
    """An active account that may become a member or a manager, with the name of its team, or None."""

    id: int
    username: str
    display_name: str
    team: str | None


class Member(NamedTuple):
    """A member of a team, with the usage that counted for the team.

    `limits` are those of the account that are in force, `used` is what counts against them, in tokens.
    """

    person: Person
    figures: Figures
    limits: Limits
    used: Mapping[Period, int]


def team_list(wanted: ListFilter, today: date) -> ListQuery[TeamListRow]:
    """Return the list of teams that match a filter, with their usage in the periods of a day of the budget zone."""
    month = _COUNTERS[Period.MONTHLY]
    return ListQuery(
        _teams().where(*_conditions(wanted)).params(starts(today)),
        {
            "name": folded(Team.name),
            "cost_centre": folded(Team.cost_centre),
            "members": _MEMBERS,
            "tokens": func.coalesce(month.tokens, 0),
            "cost": func.coalesce(month.cost_nano_eur, 0),
            "level": largest(*(_fullness(period) for period in Period)),
        },
        Team.id,
        _row,
    )


def team_row(session: Session, team_id: int, today: date) -> TeamListRow | None:
    """Return one team as the list has it."""
    row = session.execute(_teams().where(Team.id == team_id), starts(today)).first()
    return None if row is None else _row(row)


def team_status(session: Session, row: TeamListRow) -> BudgetStatus:
    """Return the limits and usage of a team for budget cards; its `account_id` is 0."""
    first = select(func.min(TeamCounter.start)).where(
        TeamCounter.team_id == row.id, TeamCounter.period == Period.DAILY.value
    )
    return BudgetStatus(0, row.limits, {}, row.used, session.scalar(first))


def team_days(session: Session, team_id: int, days: DayRange) -> dict[date, Figures]:
    """Return the usage of a team on each of `days`, oldest first; zeros on days without usage."""
    of_team = TeamCounter.team_id == team_id, TeamCounter.period == Period.DAILY.value
    wanted = select(TeamCounter.start, *summed(TeamCounter)).where(*of_team)
    rows = session.execute(wanted.where(TeamCounter.start.between(days.first, days.last)))
    used = {row[0]: figures_of(row[1:]) for row in rows}
    return {day: used.get(day, Figures()) for day in days}


def team_members(session: Session, team_id: int, days: DayRange, today: date, now: datetime) -> Sequence[Member]:
    """Return the members of a team, with their usage of `days` that counted for the team; most tokens first."""
    sums = [func.coalesce(cast(func.sum(column), BigInteger), 0) for column in summed(UsageDaily)]
    of_team = and_(
        UsageDaily.account_id == Account.id,
        UsageDaily.day.between(days.first, days.last),
        UsageDaily.team_id == team_id,
    )
    usage = select(Account.id, *(column.label(name) for column, name in zip(sums, SUMS, strict=True)))
    usage = usage.outerjoin(UsageDaily, of_team).where(Account.team_id == team_id).group_by(Account.id)
    used = usage.subquery("used")
    statement = (
        select(
            *(*_PERSON, *(used.c[name] for name in SUMS), *BUDGET),
            *(func.coalesce(counter.tokens, 0).label(f"{period}_tokens") for period, counter in COUNTERS.items()),
        )
        .join(used, used.c.id == Account.id)
        .outerjoin(Budget, Budget.account_id == Account.id)
        .order_by(used.c.tokens.desc(), Account.username)
    )
    return [_member(row) for row in session.execute(with_counters(statement), starts(today) | {"now": now})]


def team_managers(session: Session, team_id: int) -> Sequence[Person]:
    """Return the managers of a team, by user name."""
    of_team = select(*_PERSON).join(TeamManager, TeamManager.account_id == Account.id)
    rows = session.execute(of_team.where(TeamManager.team_id == team_id).order_by(Account.username))
    return [Person(*row) for row in rows]


def candidates(session: Session, search: str, limit: int) -> list[Candidate]:
    """Return the first active accounts, by user name, with a text in user name, name or email address."""
    found = select(Account.id, Account.username, Account.display_name, Team.name)
    found = found.outerjoin(Team, Team.id == Account.team_id).where(Account.active.is_(True))
    if search:
        found = found.where(contains(search, Account.username, Account.display_name, Account.email))
    rows = session.execute(found.order_by(Account.username).limit(limit))
    return [Candidate(*row) for row in rows]


_WIDTH = len(Person._fields)
_PERSON: tuple[Any, ...] = (Account.id, Account.username, Account.display_name, Account.active)


def _member(row: Any) -> Member:
    figures = figures_of(row[_WIDTH : _WIDTH + len(SUMS)])
    used = {period: getattr(row, f"{period}_tokens") for period in Period}
    return Member(Person(*row[:_WIDTH]), figures, limits_of(row), used)


def _teams() -> Any:
    """Return the statement that selects the columns of `TeamListRow`; its parameters are `starts`."""
    columns = [getattr(Team, name) for name in (*_COLUMNS, *_LIMITS)]
    figures = [column for counter in _COUNTERS.values() for column in summed(counter)]
    statement = select(*columns, _MEMBERS.label("members"), *figures).select_from(Team)
    for period, counter in _COUNTERS.items():
        start = bindparam(f"{period}_start", type_=counter.start.type)
        is_it = and_(counter.team_id == Team.id, counter.period == period.value, counter.start == start)
        statement = statement.outerjoin(counter, is_it)
    return statement


def _fullness(period: Period) -> ColumnElement[int]:
    limit, used = getattr(Team, period.value), _COUNTERS[period].tokens
    return case((limit.is_(None), -1), (limit == 0, 1000), else_=func.coalesce(used, 0) * 1000 // limit)


def _conditions(wanted: ListFilter) -> list[Any]:
    found: list[Any] = []
    if wanted.search:
        found.append(contains(wanted.search, Team.name, Team.cost_centre))
    if status := wanted.choice("status"):
        found.append(Team.active.is_(status == TeamStatus.ACTIVE))
    return found


def _row(row: Any) -> TeamListRow:
    first = len(_COLUMNS) + len(_LIMITS) + 1
    starts_at = {period: first + number * len(SUMS) for number, period in enumerate(Period)}
    return TeamListRow(
        **{name: getattr(row, name) for name in _COLUMNS},
        members=row.members,
        limits=team_limits(row),
        used={period: figures_of(row[start : start + len(SUMS)]) for period, start in starts_at.items()},
    )
