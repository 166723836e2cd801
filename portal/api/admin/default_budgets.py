"""The budgets that new accounts get, by role."""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, Field

from portal.actions.spending.default_budgets import set_default_budget
from portal.api.access import Reading, Writing
from portal.api.admin.access import admin_caller, admin_router
from portal.api.bodies import Body, JsonBody, body_documentation
from portal.api.errors import answers
from portal.clock import utc_now
from portal.rules.people.accounts import Role
from portal.rules.people.actors import Actor
from portal.rules.spending.budgets import MAX_LIMIT, BudgetType, Limits
from portal.views.spending.default_budgets import load_default_budgets

router = admin_router("Default budgets")

READER = Depends(admin_caller("accounts:read"))
Writer = Annotated[Actor, Depends(admin_caller("accounts:write"))]
Limit = Annotated[int | None, Field(ge=0, le=MAX_LIMIT, description="Billable tokens; null is no limit")]


class DefaultBudgetBody(Body):
    """The limits that a new account of a role gets; without any limit it gets no budget."""

    daily: Limit
    monthly: Limit
    total: Limit
    type: Annotated[BudgetType, Field(strict=False)] = BudgetType.SUBSCRIPTION


class DefaultLimits(BaseModel, from_attributes=True):
    """Limits in billable tokens; null is no limit. Of a one_time budget only the total limit counts."""

    daily: int | None
    monthly: int | None
    total: int | None
    type: BudgetType


class DefaultBudgetAnswer(BaseModel, from_attributes=True):
    """The limits that a new account of a role gets; null without a default budget."""

    role: Role
    limits: DefaultLimits | None


@router.get("/admin/api/default-budgets", dependencies=[READER], responses=answers(401, 403))
def read_default_budgets(session: Reading) -> list[DefaultBudgetAnswer]:
    """Return the budget that new accounts of each role get."""
    return [DefaultBudgetAnswer.model_validate(view) for view in load_default_budgets(session)]


@router.put(
    "/admin/api/default-budgets/{role}",
    openapi_extra=body_documentation(DefaultBudgetBody),
    responses=answers(401, 403, 404, 415),
)
def put_default_budget(
    caller: Writer,
    session: Writing,
    role: Role,
    body: Annotated[DefaultBudgetBody, Depends(JsonBody(DefaultBudgetBody))],
) -> DefaultBudgetAnswer:
    """Replace the budget that new accounts of a role get; present accounts keep theirs."""
    limits = Limits(body.daily, body.monthly, body.total, body.type)
    is_limited = any(limit is not None for limit in (body.daily, body.monthly, body.total))
    set_default_budget(session, caller, role, limits if is_limited else None, utc_now())
    (found,) = (view for view in load_default_budgets(session) if view.role is role)
    return DefaultBudgetAnswer.model_validate(found)
