"""Teams: the list of all teams for administrators, and one team for administrators and its managers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from portal.db.people import team_list as queries
from portal.db.people.team_list import Candidate as Candidate  # noqa: PLC0414  # for pages, which do not import db
from portal.db.people.team_list import Person as Person  # noqa: PLC0414  # for pages, which do not import db
from portal.db.people.team_list import TeamListRow, team_list
from portal.db.people.teams import managed_teams, team_choices, team_named
from portal.errors import NotFound
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.rules.metering.figures import Figures, total
from portal.rules.people.actors import Actor
from portal.rules.people.team_list import TEAM_LIST, TeamStatus
from portal.rules.people.teams import TeamValues
from portal.rules.periods import DayRange, Period, day_of, first_of_month, first_of_next_month, last_days
from portal.rules.spending.budgets import Limits, PeriodBudget, fullest_budget, least_remaining
from portal.settings import settings
from portal.views.authority import check_reader, check_team_reader
from portal.views.lists import ListView, load_list, load_list_rows
from portal.views.spending.budget import BudgetsView, budgets_of
from portal.views.spending.summary import CHART_DAYS, DayUsage

MOST_MEMBERS = 200
"""Members that a page of a team shows; those with the most tokens."""

MOST_CANDIDATES = 8
"""Accounts that a search for members or managers shows."""


@dataclass(frozen=True, slots=True)
class TeamItem:
    """A team of the list. `month` is its usage in this month of the budget zone.

    `budget` is the fullest of its budgets, that of `period`; None without a limit.
    """

    id: int
    name: str
    cost_centre: str
    status: TeamStatus
    created_at: datetime
    members: int
    limits: Limits
    month: Figures
    budget: PeriodBudget | None
    period: Period | None

    @property
    def version(self) -> str:
        """The version of what administrators edit, for the actions."""
        return TeamValues(self.name, self.cost_centre, self.status is TeamStatus.ACTIVE, self.limits).version


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member of a team, with the usage of this month that counted for the team.

    `budget` is the fullest budget of the account, that of `period`, and `remaining` are the tokens that all of its
    budgets allow; None without a limit.
    """

    id: int
    username: str
    display_name: str
    active: bool
    figures: Figures
    budget: PeriodBudget | None
    period: Period | None
    remaining: int | None


@dataclass(frozen=True, slots=True)
class TeamView:
    """One team: `former` is the usage of this month by accounts that are in the team no longer.

    All of `members`, `others` and `former` together are the usage of the month. `members` are at most `MOST_MEMBERS`,
    `others` is the usage of those that are not listed. `days` are those of the chart, oldest first.
    """

    item: TeamItem
    budgets: BudgetsView
    days: tuple[DayUsage, ...]
    members: tuple[MemberView, ...]
    others: Figures
    former: Figures
    managers: tuple[Person, ...]


def load_team_list(
    session: Session, reader: Actor, wanted: ListFilter, now: datetime, limit: int, cursor: str | None = None
) -> ListView[TeamItem]:
    """Return one page of the list. Raises Forbidden, and InvalidInput for a malformed cursor."""
    check_reader(session, reader)
    found = load_list(session, team_list(wanted, _today(now)), TEAM_LIST, wanted, limit, cursor)
    return ListView(tuple(map(_item, found.rows)), found.total, found.before, found.back, found.on)


def load_team_rows(session: Session, reader: Actor, wanted: ListFilter, now: datetime) -> Iterator[TeamItem]:
    """Return all filtered teams, in the order of the filter; needs an open session. Raises Forbidden."""
    check_reader(session, reader)
    return map(_item, load_list_rows(session, team_list(wanted, _today(now)), TEAM_LIST, wanted))


def load_team(session: Session, reader: Actor, team_id: int, now: datetime) -> TeamView:
    """Return one team for an administrator, an operator or its manager. Raises Forbidden and NotFound."""
    check_team_reader(session, reader, team_id)
    today, days = _today(now), last_days(CHART_DAYS, now, settings().budget_zone)
    row = queries.team_row(session, team_id, today)
    if row is None:
        raise NotFound(UNKNOWN)
    members = queries.team_members(session, team_id, _month_of(today), today, now)
    shown, rest = members[:MOST_MEMBERS], members[MOST_MEMBERS:]
    others = total(member.figures for member in rest)
    return TeamView(
        item=_item(row),
        budgets=budgets_of(queries.team_status(session, row), now),
        days=tuple(DayUsage(*each) for each in queries.team_days(session, team_id, days).items()),
        members=tuple(map(_member, shown)),
        others=others,
        former=row.used[Period.MONTHLY] - others - total(member.figures for member in shown),
        managers=tuple(queries.team_managers(session, team_id)),
    )


def load_candidates(session: Session, reader: Actor, search: str) -> list[Candidate]:
    """Return the first active accounts that match a text, by user name. Raises Forbidden."""
    check_reader(session, reader)
    return queries.candidates(session, search, MOST_CANDIDATES)


def load_team_names(session: Session, reader: Actor) -> tuple[str, ...]:
    """Return the names of all teams, in order. Raises Forbidden."""
    check_reader(session, reader)
    return tuple(name for _, name, _ in team_choices(session))


def load_managed(session: Session, account_id: int) -> tuple[tuple[int, str], ...]:
    """Return id and name of the teams that an account manages, by name."""
    return tuple((team.id, team.name) for team in managed_teams(session, account_id))


def find_team(session: Session, name: str) -> int:
    """Return the id of the team with this name. Raises NotFound."""
    found = team_named(session, name)
    if found is None:
        raise NotFound(message("There is no team called {name}.", name=name))
    return found.id


UNKNOWN = message("There is no such team.")


def _month_of(day: date) -> DayRange:
    """Return the month in which a day lies."""
    first = first_of_month(day)
    return DayRange(first, first_of_next_month(first) - timedelta(1))


def _today(now: datetime) -> date:
    return day_of(now, settings().budget_zone)


def _member(row: queries.Member) -> MemberView:
    period, budget = fullest_budget(row.limits, row.used) or (None, None)
    return MemberView(*row.person, row.figures, budget, period, least_remaining(row.limits, row.used))


def _item(row: TeamListRow) -> TeamItem:
    used = {period: figures.tokens for period, figures in row.used.items()}
    period, budget = fullest_budget(row.limits, used) or (None, None)
    return TeamItem(
        id=row.id,
        name=row.name,
        cost_centre=row.cost_centre,
        status=TeamStatus.ACTIVE if row.active else TeamStatus.SUSPENDED,
        created_at=row.created_at,
        members=row.members,
        limits=row.limits,
        month=row.used[Period.MONTHLY],
        budget=budget,
        period=period,
    )
