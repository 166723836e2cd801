"""What is left of an account's budgets, for its own browser and for its own programs."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from portal.api.access import API_KEY, SESSION, Reading
from portal.api.errors import answers
from portal.clock import utc_now
from portal.rules.budgets import BudgetType, Level
from portal.rules.pricing import eur_text
from portal.views.budget import BudgetsView, BudgetView, load_budgets
from portal.visitors import Program, SignedIn

router = APIRouter()


class BudgetAnswer(BaseModel):
    """An account's budgets. `used` and `limit` are billable tokens, `input` and `output` raw ones.

    Null is: no limit, so no percentage and no level; no reset.
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
    daily_percent: float | None = Field(description="Used ÷ limit × 100 with one decimal; can be above 100")
    monthly_percent: float | None
    total_percent: float | None
    daily_level: Level | None
    monthly_level: Level | None
    total_level: Level | None
    daily_cost_eur: str = Field(description="EUR, an exact decimal string", examples=["0.01486"])
    monthly_cost_eur: str
    total_cost_eur: str
    daily_reset_iso: datetime | None = Field(description="When the day ends in the budget time zone")
    monthly_reset_iso: datetime | None
    server_time_iso: datetime


@router.get("/user/api/budget", tags=["Account"], dependencies=[SESSION], responses=answers(401))
def read_budget(session: Reading, viewer: SignedIn) -> BudgetAnswer:
    """Return the figures of the dashboard's budget cards."""
    return _answer(session, viewer.id)


@router.get("/api/v1/budget", tags=["Programs"], dependencies=[API_KEY], responses=answers(401))
def read_program_budget(session: Reading, viewer: Program) -> BudgetAnswer:
    """Return the same to a program of the person, which sends their API key."""
    return _answer(session, viewer.id)


def _answer(session: Reading, account_id: int) -> BudgetAnswer:
    now = utc_now()
    view = load_budgets(session, account_id, now)
    fields = {f"{budget.period}_{name}": value for budget in view.all for name, value in _figures(budget).items()}
    return BudgetAnswer.model_validate({**fields, **_whole(view), "server_time_iso": now})


def _whole(view: BudgetsView) -> dict[str, object]:
    return {
        "budget_type": view.type,
        "daily_reset_iso": view.daily.resets_at,
        "monthly_reset_iso": view.monthly.resets_at,
    }


def _figures(view: BudgetView) -> dict[str, object]:
    return {
        "used": view.budget.consumed,
        "input": view.figures.prompt_tokens,
        "output": view.figures.completion_tokens,
        "limit": view.budget.limit,
        "percent": None if view.percent is None else float(view.percent),
        "level": view.level,
        "cost_eur": eur_text(view.figures.cost_nano_eur),
    }
