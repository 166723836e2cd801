"""A person's allowances and requests for more tokens."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, Field

from portal.actions.spending.budget_requests import ask_for_more, withdraw_request
from portal.api.access import SESSION, Reading, Writing
from portal.api.bodies import NO_BODY, Body, JsonBody, RowId, body_documentation, strict_router
from portal.api.errors import answers
from portal.clock import utc_now
from portal.rules.periods import Period
from portal.rules.spending.allowances import MAX_REASON, AllowanceState
from portal.rules.spending.budget_requests import RequestState
from portal.rules.spending.budgets import MAX_LIMIT
from portal.views.spending.allowances import load_allowances
from portal.views.spending.budget_requests import load_own_request, load_own_requests
from portal.web.visitors import SignedIn

router = strict_router("Account", dependencies=[SESSION])


class RequestBody(Body):
    """A request for more tokens in one period that has a limit."""

    period: Annotated[Period, Field(strict=False)]
    tokens: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Extra billable tokens")]
    reason: Annotated[str, Field(min_length=1, max_length=MAX_REASON)]


class RequestAnswer(BaseModel, from_attributes=True):
    """A request for more tokens, and its answer.

    `granted_tokens` and `granted_until` are those of an approved request; `decided_by` is null for an operator.
    """

    id: int
    period: Period
    tokens: int
    reason: str
    state: RequestState
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    answer: str
    granted_tokens: int | None
    granted_until: datetime | None


class AllowanceAnswer(BaseModel, from_attributes=True):
    """Extra billable tokens for one period; `granted_by` is null for an operator."""

    id: int
    period: Period
    tokens: int
    reason: str
    state: AllowanceState
    starts_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    granted_by: str | None


@router.get("/user/api/allowances", responses=answers(401))
def read_own_allowances(session: Reading, viewer: SignedIn) -> list[AllowanceAnswer]:
    """Return the allowances of the account, newest first."""
    return [AllowanceAnswer.model_validate(view) for view in load_allowances(session, viewer.id, utc_now())]


@router.get("/user/api/budget-requests", responses=answers(401))
def read_own_requests(session: Reading, viewer: SignedIn) -> list[RequestAnswer]:
    """Return the requests of the account, newest first."""
    return [RequestAnswer.model_validate(view) for view in load_own_requests(session, viewer.id)]


@router.post(
    "/user/api/budget-requests",
    status_code=201,
    openapi_extra=body_documentation(RequestBody),
    responses=answers(401, 403, 409, 415),
)
def post_request(
    session: Writing, viewer: SignedIn, new: Annotated[RequestBody, Depends(JsonBody(RequestBody))]
) -> RequestAnswer:
    """Ask for more tokens; one request for each period may be open."""
    number = ask_for_more(session, viewer.actor, new.period, new.tokens, new.reason, utc_now())
    return RequestAnswer.model_validate(load_own_request(session, viewer.id, number))


@router.post(
    "/user/api/budget-requests/{request_id}/withdraw", dependencies=[NO_BODY], responses=answers(401, 403, 404, 409)
)
def post_withdrawal(session: Writing, viewer: SignedIn, request_id: RowId) -> RequestAnswer:
    """Take back an open request of the account."""
    withdraw_request(session, viewer.actor, request_id, utc_now())
    return RequestAnswer.model_validate(load_own_request(session, viewer.id, request_id))
