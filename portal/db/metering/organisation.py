"""Usage of the organisation over any days, grouped and filtered, from counters and roll-ups only, never from events.

Decision: each question reads the smallest table that has its columns. Accounts and teams are read from counters: of
whole months, and of days at the ends of the range. Models, modes, gateways and days have the sums of the organisation.
Only other combinations, such as the models of a team, read the daily roll-ups.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, String, Subquery, cast, func, literal, or_, select, union_all
from sqlalchemy.orm import Session

from portal.db.metering.totals import figures_of
from portal.db.sql.functions import contains
from portal.db.sql.lists import ListQuery
from portal.db.tables import (
    Account,
    Gateway,
    OrganisationDaily,
    Team,
    TeamCounter,
    UsageCounter,
    UsageDaily,
    UsageEvent,
)
from portal.rules.metering.figures import SUMS, Figures
from portal.rules.metering.organisation import TIMES, Grouping, UsageScope, month_parts
from portal.rules.periods import DayRange, Period

_COLUMNS = {Grouping.ACCOUNT: "account_id", Grouping.TEAM: "team_id", Grouping.GATEWAY: "gateway_id"}
_NUMBERED = set(_COLUMNS)


@dataclass(frozen=True, slots=True)
class UsageGroup:
    """The usage of one group.

    `id` is the number of the account, team or gateway, 0 if unknown and for other groupings. `key` is its user name or
    name, a model, a mode, a day or a month; "" is no team, no cost centre, or an unknown gateway. `name` is the display
    name of an account, the cost centre of a team, else "".
    """

    id: int
    key: str
    name: str
    figures: Figures


def usage_list(scope: UsageScope, by: Grouping, search: str = "") -> ListQuery[UsageGroup]:
    """Return the list of the groups with usage in a scope, with those columns that `USAGE_LIST` sorts by."""
    found = _named(scope, by)
    statement = select(found.c.id, found.c.key, found.c.name, *(found.c[name] for name in SUMS))
    if search:
        statement = statement.where(contains(search, found.c.key, found.c.name))
    sorts = {name: found.c[name] for name in ("requests", "prompt_tokens", "completion_tokens", "tokens")}
    others = {"order": found.c.number if by in TIMES else found.c.tokens, "cost": found.c.cost_nano_eur}
    return ListQuery(statement, {"key": found.c.key, **sorts, **others}, found.c.number, _group)


def usage_sums(session: Session, query: ListQuery[UsageGroup]) -> tuple[int, Figures]:
    """Return the number of groups in a list, and the sum of their usage."""
    groups = query.statement.subquery()
    row = session.execute(select(func.count(), *(func.sum(groups.c[name]) for name in SUMS)).select_from(groups)).one()
    return row[0], figures_of(row[1:])


def usage_over_time(
    session: Session, scope: UsageScope, unit: Grouping, by: Grouping | None = None, groups: Iterable[UsageGroup] = ()
) -> dict[tuple[str, str], Figures]:
    """Return the usage by day or month: `unit` and key of one of the `groups`; without `by`, of all usage, key ""."""
    if by is None:
        rows = session.execute(select(*_columns_of(_sums(scope, unit), unit)))
        return {(row[0], ""): figures_of(row[1:]) for row in rows}
    wanted = list(groups)
    found = _sums(scope, by, unit, only=[_value(by, group) for group in wanted])
    if by is Grouping.COST_CENTRE:
        key = func.coalesce(Team.cost_centre, "")
        source = select(found.c[unit.value], key, *(_total(found.c[name]) for name in SUMS))
        rows = session.execute(source.outerjoin(Team, Team.id == found.c.team).group_by(found.c[unit.value], key))
        return {(row[0], row[1]): figures_of(row[2:]) for row in rows}
    keys = {_value(by, group): group.key for group in wanted}
    rows = session.execute(select(found.c[by.value], *_columns_of(found, unit)))
    return {(row[1], keys[row[0]]): figures_of(row[2:]) for row in rows}


def used_names(session: Session, days: DayRange) -> dict[Grouping, dict[str, str]]:
    """Return the teams, cost centres, models, modes and gateways with usage on `days`: names by choice, in order."""
    teams = select(TeamCounter.team_id, func.max(func.coalesce(Team.name, "")), func.max(Team.cost_centre))
    of_days = [part.where for part in _counters(TeamCounter, days, by_day=False)]
    teams = teams.outerjoin(Team, Team.id == TeamCounter.team_id).where(or_(*of_days)).group_by(TeamCounter.team_id)
    found: dict[Grouping, dict[str, str]] = {by: {} for by in (Grouping.TEAM, Grouping.COST_CENTRE)}
    for number, name, cost_centre in session.execute(teams):
        found[Grouping.TEAM][str(number)] = name
        found[Grouping.COST_CENTRE][cost_centre or ""] = cost_centre or ""
    names = {Grouping.MODEL: OrganisationDaily.model, Grouping.MODE: OrganisationDaily.mode}
    on_days = OrganisationDaily.day.between(days.first, days.last)
    used = session.execute(select(*names.values(), OrganisationDaily.gateway_id).where(on_days).distinct()).all()
    gateways: dict[int, str] = {row[0]: row[1] for row in session.execute(select(Gateway.id, Gateway.name))}
    found |= {by: {row[place]: row[place] for row in used} for place, by in enumerate(names)}
    found[Grouping.GATEWAY] = {str(row.gateway_id): gateways.get(row.gateway_id, "") for row in used}
    return {by: dict(sorted(each.items(), key=lambda item: (item[1], item[0]))) for by, each in found.items()}


def _group(row: Any) -> UsageGroup:
    return UsageGroup(row[0], row[1], row[2], figures_of(row[3 : 3 + len(SUMS)]))


def _value(by: Grouping, group: UsageGroup) -> int | str:
    """Return the value by which `_sums` groups."""
    return group.id if by in _NUMBERED else group.key


def _columns_of(found: Subquery, unit: Grouping) -> list[Any]:
    return [found.c[unit.value], *(found.c[name] for name in SUMS)]


def _named(scope: UsageScope, by: Grouping) -> Subquery:
    """Return the groups with their names, and a number in the order of their keys, from 1 on."""
    sums = _sums(scope, by)
    figures: list[Any] = [sums.c[name] for name in SUMS]
    own = sums.c["team" if by is Grouping.COST_CENTRE else by.value]
    key: Any = own
    source: Any = sums
    number: Any = literal(0, BigInteger)
    name: Any = literal("")
    groups: list[Any] = []
    match by:
        case Grouping.ACCOUNT:
            number, key, name = own, Account.username, Account.display_name
            source = sums.join(Account, Account.id == own)
        case Grouping.TEAM:
            number, key, name = own, func.coalesce(Team.name, ""), func.coalesce(Team.cost_centre, "")
            source = sums.outerjoin(Team, Team.id == own)
        case Grouping.COST_CENTRE:
            key, source = func.coalesce(Team.cost_centre, ""), sums.outerjoin(Team, Team.id == own)
            figures, groups = [_total(column) for column in figures], [key]
        case Grouping.GATEWAY:
            number, key, source = own, func.coalesce(Gateway.name, ""), sums.outerjoin(Gateway, Gateway.id == own)
    named = select(number.label("id"), key.label("key"), name.label("name"), *figures).select_from(source)
    inner = named.group_by(*groups).subquery()
    place = func.row_number().over(order_by=(inner.c.key, inner.c.id)).label("number")
    return select(*inner.c, place).where(inner.c.requests != 0).subquery()


def _sums(scope: UsageScope, *groups: Grouping, only: list[int | str] | None = None) -> Subquery:
    """Return the sums of a scope by groups, as columns of their names; cost centres are returned as their teams.

    `only` restricts the first group to some values.
    """
    columns = [Grouping.TEAM if by is Grouping.COST_CENTRE else by for by in groups]
    parts = [_part(scope, columns, part) for part in _parts(scope, groups)]
    if only is not None and groups[0] is not Grouping.COST_CENTRE:
        parts = [part.where(part.selected_columns[groups[0].value].in_(only)) for part in parts]
    found = (union_all(*parts) if len(parts) > 1 else parts[0]).subquery()
    keys = [found.c[by.value] for by in columns]
    return select(*keys, *(_total(found.c[name]) for name in SUMS)).group_by(*keys).subquery()


def _total(column: Any) -> Any:
    """Return the sum of a column as an integer; PostgreSQL would return a decimal number."""
    return cast(func.sum(column), BigInteger).label(column.name)


@dataclass(frozen=True, slots=True)
class _Part:
    """A table, its column of days, and the condition on its time."""

    table: Any
    time: Any
    where: Any


def _parts(scope: UsageScope, groups: Iterable[Grouping]) -> list[_Part]:
    """Return the smallest tables that have all columns for groups and conditions, each with a part of the days."""
    needed = {*groups, *scope.conditions}
    counted = {Grouping.ACCOUNT: UsageCounter, Grouping.TEAM: TeamCounter}
    kinds = {Grouping.TEAM if by is Grouping.COST_CENTRE else by for by in needed} - {*TIMES}
    if not kinds and Grouping.DAY not in needed:
        kinds = {Grouping.TEAM}
    if len(kinds) == 1 and (kind := next(iter(kinds))) in counted:
        return _counters(counted[kind], scope.days, by_day=Grouping.DAY in needed)
    table = OrganisationDaily if kinds <= {Grouping.MODEL, Grouping.MODE, Grouping.GATEWAY} else UsageDaily
    return [_Part(table, table.day, table.day.between(scope.days.first, scope.days.last))]


def _counters(table: Any, days: DayRange, *, by_day: bool) -> list[_Part]:
    """Return counters of whole months, and of the days at the ends of a range; with `by_day` of days only."""
    parts = month_parts(days)
    found = [] if by_day or parts.months is None else [(Period.MONTHLY, parts.months)]
    ranges = (days,) if by_day else parts.edges
    found += [(Period.DAILY, each) for each in ranges or (() if found else (days,))]
    return [
        _Part(table, table.start, (table.period == period) & table.start.between(each.first, each.last))
        for period, each in found
    ]


def _part(scope: UsageScope, groups: Iterable[Grouping], part: _Part) -> Select[Any]:
    """Return the rows of a part in a scope, with the columns of the groups."""
    keys = [_column(part, by).label(by.value) for by in groups]
    sums = (getattr(part.table, name) for name in SUMS)
    return select(*keys, *sums).where(part.where, *conditions_of(part.table, scope))


def _column(part: _Part, by: Grouping) -> Any:
    if by in TIMES:
        day = cast(part.time, String)
        return day if by is Grouping.DAY else func.substr(day, 1, 7)
    return getattr(part.table, _COLUMNS.get(by, by.value))


def conditions_of(table: Any, scope: UsageScope) -> list[ColumnElement[bool]]:
    """Return the conditions of a scope besides its days, for a summed table or the events."""
    none: Any = table.team_id.is_(None) if table is UsageEvent else getattr(table, "team_id", None) == 0
    found: list[ColumnElement[bool]] = []
    for by in sorted(scope.conditions):
        wanted = getattr(scope, by.value)
        if by is Grouping.COST_CENTRE:
            teams = table.team_id.in_(select(Team.id).where(Team.cost_centre == wanted))
            found.append(teams if wanted else or_(none, teams))
        elif by is Grouping.TEAM and not wanted:
            found.append(none)
        else:
            found.append(getattr(table, _COLUMNS.get(by, by.value)) == wanted)
    return found
