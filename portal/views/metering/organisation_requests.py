"""The requests behind a figure of Organisation Usage, for administrators: page, JSON, export and command."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.metering.organisation_requests import RequestRow as RequestRow  # noqa: PLC0414  # for pages and JSON
from portal.db.metering.organisation_requests import request_list, request_totals
from portal.rules.lists import ListFilter
from portal.rules.metering.figures import Figures
from portal.rules.metering.organisation import REQUEST_LIST, Grouping, UsageScope, scope_of
from portal.rules.people.actors import Actor
from portal.rules.periods import day_of
from portal.settings import settings
from portal.views.authority import check_reader
from portal.views.lists import ListView, load_list, load_list_rows
from portal.views.metering.organisation import names_of


@dataclass(frozen=True, slots=True)
class RequestsView(ListView[RequestRow]):
    """A page of requests; `totals` are the sums of all filtered requests, `pruned` those that are no longer listed.

    Both together are the figure of Organisation Usage with the same filter. `names` has the values that filters offer.
    """

    scope: UsageScope
    totals: Figures
    pruned: Figures
    names: dict[Grouping, dict[str, str]]


def load_requests(
    session: Session, reader: Actor, wanted: ListFilter, now: datetime, limit: int, cursor: str | None = None
) -> RequestsView:
    """Return one page of the requests. Raises Forbidden, and InvalidInput for a malformed cursor."""
    check_reader(session, reader)
    scope = _scope(wanted, now)
    sums = request_totals(session, scope)
    query = request_list(scope, settings().budget_zone)
    page = load_list(session, query, REQUEST_LIST, wanted, limit, cursor, total=sums.stored.requests)
    same = {each.name: getattr(page, each.name) for each in fields(page)}
    names = names_of(session, scope)
    return RequestsView(**same, scope=scope, totals=sums.stored, pruned=sums.pruned, names=names)


def load_request_rows(session: Session, reader: Actor, wanted: ListFilter, now: datetime) -> Iterator[RequestRow]:
    """Return all filtered requests, in the order of the filter; needs an open session. Raises Forbidden."""
    check_reader(session, reader)
    return load_list_rows(session, request_list(_scope(wanted, now), settings().budget_zone), REQUEST_LIST, wanted)


def _scope(wanted: ListFilter, now: datetime) -> UsageScope:
    return scope_of(wanted, day_of(now, settings().budget_zone))
