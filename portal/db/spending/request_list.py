"""The list of budget requests that a person decides: searched, filtered, sorted and paged by the database."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, literal

from portal.db.spending.budget_requests import RequestRow, decided_by, with_names
from portal.db.sql.functions import contains
from portal.db.sql.lists import ListQuery
from portal.db.sql.types import Instant
from portal.db.tables import Account, BudgetRequest, Team
from portal.rules.lists import ListFilter
from portal.rules.people.teams import team_key
from portal.rules.spending import budget_requests as states
from portal.rules.spending.budget_requests import Decider, RequestState
from portal.rules.spending.request_list import DECIDED, EVERY_STATE

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def request_list(wanted: ListFilter, decider: Decider) -> ListQuery[RequestRow]:
    """Return the requests that match a filter, of the people that this person decides about."""
    return ListQuery(
        with_names().where(decided_by(decider), *_conditions(wanted)),
        {
            "asked": BudgetRequest.created_at,
            "person": Account.username,
            "team": func.coalesce(Team.name_key, ""),
            "tokens": BudgetRequest.tokens,
            "state": BudgetRequest.state,
            "decided": func.coalesce(BudgetRequest.decided_at, literal(_NEVER, Instant()), type_=Instant()),
        },
        BudgetRequest.id,
        lambda row: RequestRow(*row[: len(RequestRow._fields)]),
    )


def _conditions(wanted: ListFilter) -> list[Any]:
    found: list[Any] = []
    if wanted.search:
        searched = Account.username, Account.display_name, BudgetRequest.reason, BudgetRequest.answer
        found.append(contains(wanted.search, *searched))
    if period := wanted.choice("period"):
        found.append(BudgetRequest.period == period)
    if team := wanted.choice("team"):
        found.append(Team.name_key == team_key(team))
    state = wanted.choice("state") or RequestState.OPEN.value
    if state == DECIDED:
        found.append(BudgetRequest.state.in_([decided.value for decided in states.DECIDED]))
    elif state != EVERY_STATE:
        found.append(BudgetRequest.state == state)
    return found
