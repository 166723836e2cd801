"""Organisation Usage for administrators: page, JSON, export and command."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime

from sqlalchemy.orm import Session

from portal.db.metering.organisation import UsageGroup as UsageGroup  # noqa: PLC0414  # for pages, which do not import db
from portal.db.metering.organisation import usage_list, usage_over_time, usage_sums, used_names
from portal.db.people.accounts import username_of
from portal.db.sql.lists import ListQuery, Order, list_page, list_rows
from portal.rules.lists import ListFilter
from portal.rules.metering.figures import Figures, total
from portal.rules.metering.organisation import (
    USAGE_LIST,
    Grouping,
    Measure,
    UsageScope,
    grouping_of,
    measure_of,
    scope_of,
)
from portal.rules.people.actors import Actor
from portal.rules.periods import day_of
from portal.settings import settings
from portal.views.authority import check_reader
from portal.views.lists import ListView, load_list, load_list_rows

TOP = 5
"""Groups with a colour of their own in the chart."""
MOST_DAYS = 92
"""The longest range that the chart shows by day; a longer one is shown by month."""


@dataclass(frozen=True, slots=True)
class UsageSeries:
    """The usage of one group in each part of the chart; without a group, that of all others."""

    group: UsageGroup | None
    figures: tuple[Figures, ...]


@dataclass(frozen=True, slots=True)
class OrganisationView(ListView[UsageGroup]):
    """A page of groups, with the sum of all filtered groups.

    `units` are the days or months of the chart, `series` the largest groups and all others; both are empty if they were
    not asked for. `names` has the values that filters offer, by choice.
    """

    scope: UsageScope
    by: Grouping
    totals: Figures
    unit: Grouping
    units: tuple[str, ...] = ()
    series: tuple[UsageSeries, ...] = ()
    names: dict[Grouping, dict[str, str]] | None = None


def load_organisation(
    session: Session,
    reader: Actor,
    wanted: ListFilter,
    now: datetime,
    limit: int,
    cursor: str | None = None,
    *,
    with_chart: bool = False,
) -> OrganisationView:
    """Return one page of the usage. Raises Forbidden, and InvalidInput for a malformed cursor."""
    check_reader(session, reader)
    scope, by = scope_of(wanted, _today(now)), grouping_of(wanted)
    query = usage_list(scope, by, wanted.search)
    count, sums = usage_sums(session, query)
    page = load_list(session, query, USAGE_LIST, wanted, limit, cursor, total=count)
    same = {each.name: getattr(page, each.name) for each in fields(page)}
    found = OrganisationView(**same, scope=scope, by=by, totals=sums, unit=_unit(scope, by))
    if not with_chart:
        return found
    units, series = _chart(session, found, query, wanted)
    return replace(found, units=units, series=series, names=names_of(session, scope))


def names_of(session: Session, scope: UsageScope) -> dict[Grouping, dict[str, str]]:
    """Return the values that filters of a scope offer, each with its name, and the account of the scope."""
    names = used_names(session, scope.days)
    if scope.account is not None:
        names[Grouping.ACCOUNT] = {str(scope.account): username_of(session, scope.account) or ""}
    return names


def load_organisation_rows(session: Session, reader: Actor, wanted: ListFilter, now: datetime) -> Iterator[UsageGroup]:
    """Return all filtered groups, in the order of the filter; needs an open session. Raises Forbidden."""
    check_reader(session, reader)
    query = usage_list(scope_of(wanted, _today(now)), grouping_of(wanted), wanted.search)
    return load_list_rows(session, query, USAGE_LIST, wanted)


def _today(now: datetime) -> date:
    return day_of(now, settings().budget_zone)


def _unit(scope: UsageScope, by: Grouping) -> Grouping:
    """Return what one bar of the chart is about."""
    if by in {Grouping.DAY, Grouping.MONTH}:
        return by
    return Grouping.DAY if len(scope.days) <= MOST_DAYS else Grouping.MONTH


def _chart(
    session: Session, view: OrganisationView, query: ListQuery[UsageGroup], wanted: ListFilter
) -> tuple[tuple[str, ...], tuple[UsageSeries, ...]]:
    """Return the parts of the chart, and the usage of its largest groups in them; the rest is one series."""
    scope, by, unit = view.scope, view.by, view.unit
    units = _units(scope, unit)
    if by == unit:
        rows = {row.key: row.figures for row in list_rows(session, query, Order("key"))}
        return units, _rest([rows.get(each, Figures()) for each in units])
    is_searched, order = bool(wanted.search), Order(measure_of(wanted), descending=True)
    if is_searched:
        groups = [*list_rows(session, query, order)]
    elif view.before == 0 and len(view.rows) >= min(TOP, view.total) and _column(wanted) == order:
        groups = [*view.rows[:TOP]]  # these are read already
    else:
        groups = [row for row, _ in list_page(session, query, order, TOP)]
    parts = usage_over_time(session, scope, unit, by, groups) if groups else {}
    found = [UsageSeries(row, tuple(parts.get((each, row.key), Figures()) for each in units)) for row in groups]
    largest, others = found[:TOP], found[TOP:]
    rest = [total(each.figures[number] for each in others) for number in range(len(units))]
    if not is_searched:
        whole = usage_over_time(session, scope, unit)
        drawn = [total(each.figures[number] for each in largest) for number in range(len(units))]
        rest = [whole.get((each, ""), Figures()) - drawn[number] for number, each in enumerate(units)]
    return units, (*largest, *_rest(rest))


def _column(wanted: ListFilter) -> Order:
    """Return the order of the list; its own order is that of the tokens, unless it is about days or months."""
    column, descending = USAGE_LIST.order(wanted)
    return Order(Measure.TOKENS if column == "order" else column, descending)


def _rest(figures: Sequence[Figures]) -> tuple[UsageSeries, ...]:
    """Return the usage that is in none of the other series, if there is any."""
    return (UsageSeries(None, tuple(figures)),) if any(each.requests for each in figures) else ()


def _units(scope: UsageScope, unit: Grouping) -> tuple[str, ...]:
    days = (day.isoformat() for day in scope.days)
    if unit is Grouping.DAY:
        return tuple(days)
    return tuple(dict.fromkeys(day[:7] for day in days))
