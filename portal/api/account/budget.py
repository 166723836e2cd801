"""The budgets of an account, for its browser and for its programs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from starlette.responses import Response

from portal.api.access import ApiKeyToken, SessionToken
from portal.api.bodies import strict_router
from portal.api.errors import answers
from portal.api.responses import json_response
from portal.clock import utc_now
from portal.db.sql.session import run_in_glance
from portal.errors import NotSignedIn, UnknownToken
from portal.rules.spending.budgets import BudgetType, Level
from portal.rules.spending.pricing import eur_text
from portal.views.spending.budget import BudgetsView, BudgetView, load_key_budgets, load_session_budgets
from portal.web.visitors import prolong

router = strict_router()


@dataclass(frozen=True, slots=True)
class BudgetAnswer:
    """An account's budgets. `used` and `limit` are billable tokens, `input` and `output` raw ones.

    Null means no limit, and then no percentage and no level, or no reset.
    """

    daily_used: int
    monthly_used: int
    total_used: int
    daily_input: int
    monthly_input: int
    total_input: int
    daily_output: int
    monthly_output: int
    total_output: int
    daily_limit: int | None
    monthly_limit: int | None
    total_limit: int | None
    budget_type: BudgetType
    daily_percent: Annotated[float | None, Field(description="Used ÷ limit × 100 with one decimal; can be above 100")]
    monthly_percent: float | None
    total_percent: float | None
    daily_level: Level | None
    monthly_level: Level | None
    total_level: Level | None
    daily_cost_eur: Annotated[str, Field(description="EUR, an exact decimal string", examples=["0.01486"])]
    monthly_cost_eur: str
    total_cost_eur: str
    daily_reset_iso: Annotated[datetime | None, Field(description="When the day ends in the budget time zone")]
    monthly_reset_iso: datetime | None
    server_time_iso: datetime


_JSON = TypeAdapter(BudgetAnswer)


@router.get(
    "/user/api/budget",
    tags=["Account"],
    response_model=BudgetAnswer,
    responses=answers(401),
)
def read_budget(token: SessionToken) -> Response:
    """Return the figures of the dashboard's budget cards."""
    now = utc_now()
    found = run_in_glance(load_session_budgets, token, now)
    if found is None:
        raise NotSignedIn
    prolong(token, found.seen_at, now)
    return _answer(found.budgets, now)


@router.get(
    "/api/v1/budget",
    tags=["Programs"],
    response_model=BudgetAnswer,
    responses=answers(401),
)
def read_program_budget(token: ApiKeyToken) -> Response:
    """Return the same figures to a program that sends the API key of the person."""
    now = utc_now()
    view = run_in_glance(load_key_budgets, token, now)
    if view is None:
        raise UnknownToken
    return _answer(view, now)


def _answer(view: BudgetsView, now: datetime) -> Response:
    return json_response(_JSON, budget_answer(view, now))


def budget_answer(view: BudgetsView, now: datetime) -> BudgetAnswer:
    """Return budgets as JSON."""
    fields = {f"{budget.period}_{name}": value for budget in view.all for name, value in _figures(budget).items()}
    whole: dict[str, Any] = {
        "budget_type": view.type,
        "daily_reset_iso": view.daily.resets_at,
        "monthly_reset_iso": view.monthly.resets_at,
    }
    return BudgetAnswer(**fields, **whole, server_time_iso=now)


def _figures(view: BudgetView) -> dict[str, Any]:
    return {
        "used": view.budget.consumed,
        "input": view.figures.prompt_tokens,
        "output": view.figures.completion_tokens,
        "limit": view.budget.limit,
        "percent": None if view.percent is None else float(view.percent),
        "level": view.level,
        "cost_eur": eur_text(view.figures.cost_nano_eur),
    }
