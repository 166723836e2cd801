"""Budget requests for the people who decide them: the list, its export, one request, and the decision."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from portal.actions.spending.budget_requests import approve_request, decline_request
from portal.api.access import Reading, Writing
from portal.api.admin.access import admin_caller, admin_router
from portal.api.admin.lists import (
    ExportParameters,
    ListAnswer,
    ListQuery,
    PageParameters,
    export_file,
    export_route,
    list_answer,
)
from portal.api.bodies import Body, Instant, JsonBody, RowId, body_documentation
from portal.api.errors import answers
from portal.api.exports import Streaming
from portal.clock import utc_now
from portal.rules.lists import LONGEST_SEARCH
from portal.rules.people.actors import Actor
from portal.rules.periods import Period
from portal.rules.spending.allowances import MAX_REASON
from portal.rules.spending.budget_requests import RequestState
from portal.rules.spending.budgets import MAX_LIMIT
from portal.rules.spending.request_list import DECIDED, EVERY_STATE, REQUEST_LIST
from portal.views.spending.budget_requests import BudgetRequestView
from portal.views.spending.request_list import load_request, load_request_list, load_request_rows

router = admin_router("Budget requests")

READ, WRITE = "budget-requests:read", "budget-requests:write"
Reader = Annotated[Actor, Depends(admin_caller(READ))]
Writer = Annotated[Actor, Depends(admin_caller(WRITE))]


class RequestQuery(ListQuery):
    """A filter of the requests; `search` looks in user name, name, reason and answer."""

    state: str = Field(
        default="",
        description="Empty: those that wait for a decision",
        json_schema_extra={"enum": ["", *RequestState, DECIDED, EVERY_STATE]},
    )
    period: str = Field(default="", json_schema_extra={"enum": ["", *Period]})
    team: str = Field(default="", max_length=LONGEST_SEARCH, description="Name of the present team of the person")


class RequestPageQuery(RequestQuery, PageParameters):
    """A filter and a page."""


class RequestExportQuery(RequestQuery, ExportParameters):
    """Which requests to export, and in which format."""


class BudgetRequestAnswer(BaseModel, from_attributes=True):
    """A person's request for more tokens, and its answer.

    `granted_tokens` and `granted_until` are those of an approved request; `decided_by` is null for an operator, `team`
    is the present one of the person.
    """

    id: int
    account_id: int
    username: str
    display_name: str
    team: str | None
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


class ApprovalBody(Body):
    """What a person gets, and a word to them. By default these are the requested tokens until the period ends."""

    tokens: Annotated[int | None, Field(ge=1, le=MAX_LIMIT, description="Extra billable tokens")] = None
    ends_at: Instant | None = None
    answer: Annotated[str, Field(max_length=MAX_REASON)] = ""


class RefusalBody(Body):
    """The word with which a request is declined."""

    answer: Annotated[str, Field(min_length=1, max_length=MAX_REASON)]


COLUMNS = (
    *("id", "username", "name", "team", "period", "tokens", "reason", "state", "asked_at", "decided_at", "decided_by"),
    *("answer", "granted_tokens", "granted_until"),
)
"""The columns of the export: billable tokens, instants in UTC."""


@router.get("/admin/api/budget-requests", responses=answers(401, 403))
def read_requests(
    session: Reading, caller: Reader, query: Annotated[RequestPageQuery, Query()]
) -> ListAnswer[BudgetRequestAnswer]:
    """Return one page of the budget requests that match a filter."""
    wanted = query.filter(REQUEST_LIST)
    view = load_request_list(session, caller, wanted, utc_now(), query.limit, query.cursor or None)
    return list_answer(view, BudgetRequestAnswer.model_validate)


@router.get("/admin/api/budget-requests/export", **export_route(READ, COLUMNS))
def export_requests(
    session: Streaming, caller: Reader, query: Annotated[RequestExportQuery, Query()]
) -> StreamingResponse:
    """Return all budget requests that match a filter, as a file."""
    rows = load_request_rows(session, caller, query.filter(REQUEST_LIST))
    cells = map(_cells, rows)
    return export_file("budget-requests", "Budget requests", COLUMNS, cells, query.format, query.bom, utc_now())


@router.get("/admin/api/budget-requests/{request_id}", responses=answers(401, 403, 404))
def read_request(session: Reading, caller: Reader, request_id: RowId) -> BudgetRequestAnswer:
    """Return one budget request."""
    return BudgetRequestAnswer.model_validate(load_request(session, caller, request_id))


@router.post(
    "/admin/api/budget-requests/{request_id}/approve",
    openapi_extra=body_documentation(ApprovalBody),
    responses=answers(401, 403, 404, 409, 415),
)
def post_approval(
    caller: Writer,
    session: Writing,
    request_id: RowId,
    body: Annotated[ApprovalBody, Depends(JsonBody(ApprovalBody))],
) -> BudgetRequestAnswer:
    """Approve a budget request: the tokens are added to the limit of its person, who gets the answer."""
    approve_request(
        session, caller, request_id, utc_now(), tokens=body.tokens, ends_at=body.ends_at, answer=body.answer
    )
    return BudgetRequestAnswer.model_validate(load_request(session, caller, request_id))


@router.post(
    "/admin/api/budget-requests/{request_id}/decline",
    openapi_extra=body_documentation(RefusalBody),
    responses=answers(401, 403, 404, 409, 415),
)
def post_refusal(
    caller: Writer, session: Writing, request_id: RowId, body: Annotated[RefusalBody, Depends(JsonBody(RefusalBody))]
) -> BudgetRequestAnswer:
    """Decline a budget request with a word to its person."""
    decline_request(session, caller, request_id, body.answer, utc_now())
    return BudgetRequestAnswer.model_validate(load_request(session, caller, request_id))


def _cells(row: BudgetRequestView) -> list[Any]:
    """Return a request in the order of COLUMNS."""
    return [
        *(row.id, row.username, row.display_name, row.team, row.period, row.tokens, row.reason, row.state),
        *(row.created_at, row.decided_at, row.decided_by, row.answer or None, row.granted_tokens, row.granted_until),
    ]
