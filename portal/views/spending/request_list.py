"""Budget requests for the people who decide them: the list, and one request with the budgets that it is about."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.people.accounts import administrator
from portal.db.people.teams import managed_teams
from portal.db.spending.budget_requests import request_to_decide
from portal.db.spending.request_list import request_list
from portal.db.spending.team_budgets import TeamBudget as TeamBudget  # noqa: PLC0414  # for pages, which do not import db
from portal.db.spending.team_budgets import team_budget_of
from portal.errors import Forbidden, NotFound
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.rules.people.actors import Actor
from portal.rules.periods import day_of
from portal.rules.spending.allowances import usual_end
from portal.rules.spending.budget_requests import Decider
from portal.rules.spending.request_list import REQUEST_LIST
from portal.settings import settings
from portal.views.lists import ListView, load_list, load_list_rows
from portal.views.spending.budget import BudgetView, load_budgets
from portal.views.spending.budget_requests import BudgetRequestView, request_view


@dataclass(frozen=True, slots=True)
class RequestToDecide:
    """A request, the present budget of its person and of that person's team, and the proposed end of an allowance."""

    request: BudgetRequestView
    budget: BudgetView
    team: TeamBudget | None
    usual_end: datetime


def load_request_list(
    session: Session, reader: Actor, wanted: ListFilter, _now: datetime, limit: int, cursor: str | None = None
) -> ListView[BudgetRequestView]:
    """Return one page of the requests that the reader decides.

    Raises Forbidden for people who decide none, and InvalidInput for a malformed cursor.
    """
    query = request_list(wanted, reading_decider(session, reader))
    found = load_list(session, query, REQUEST_LIST, wanted, limit, cursor)
    return ListView(tuple(map(request_view, found.rows)), found.total, found.before, found.back, found.on)


def load_request_rows(session: Session, reader: Actor, wanted: ListFilter) -> Iterator[BudgetRequestView]:
    """Return all filtered requests, in the order of the filter; needs an open session. Raises Forbidden."""
    query = request_list(wanted, reading_decider(session, reader))
    return map(request_view, load_list_rows(session, query, REQUEST_LIST, wanted))


def load_request(session: Session, reader: Actor, request_id: int) -> BudgetRequestView:
    """Return one of the requests that the reader decides. Raises Forbidden and NotFound."""
    row = request_to_decide(session, reading_decider(session, reader), request_id)
    if row is None:
        raise NotFound(message("There is no such request."))
    return request_view(row)


def load_request_to_decide(session: Session, reader: Actor, request_id: int, now: datetime) -> RequestToDecide:
    """Return one of the requests that the reader decides, with the figures that decide it.

    Raises Forbidden and NotFound.
    """
    request, tz = load_request(session, reader, request_id), settings().budget_zone
    budgets = load_budgets(session, request.account_id, now)
    (budget,) = (view for view in budgets.all if view.period is request.period)
    team = team_budget_of(session, request.account_id, request.period, day_of(now, tz))
    return RequestToDecide(request, budget, team, usual_end(request.period, now, tz))


def reading_decider(session: Session, reader: Actor) -> Decider:
    """Return the reader as the person who decides requests: an administrator or operator all of them.

    Raises Forbidden for an account that manages no team either.
    """
    if reader.account_id is None or administrator(session, reader.account_id) is not None:
        return Decider(reader.account_id or 0, is_administrator=True)
    if not managed_teams(session, reader.account_id):
        raise Forbidden
    return Decider(reader.account_id, is_administrator=False)
