"""One account for administrators, and what belongs to it: keys, sessions, allowances, and the export of its person.

Routes that write name the caller before the session: the use of a token is noted in a transaction of its own.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Self

from fastapi import Depends
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from portal.actions.people.keys import create_key, revoke_key
from portal.actions.people.sessions import end_one_session
from portal.actions.spending.allowances import end_allowance, grant_allowance
from portal.api.access import Reading, Writing
from portal.api.account.budget import BudgetAnswer, budget_answer
from portal.api.account.budget_requests import AllowanceAnswer
from portal.api.account.export import ZIP_ANSWER, person_response
from portal.api.account.keys import CreatedKey, NewKeyBody
from portal.api.admin.access import admin_caller, admin_router
from portal.api.admin.lists import own_slot
from portal.api.bodies import NO_BODY, Body, Instant, JsonBody, RowId, body_documentation
from portal.api.errors import answers
from portal.api.exports import Streaming
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading
from portal.rules.people.actors import Actor
from portal.rules.periods import Period
from portal.rules.spending.allowances import MAX_REASON, NewAllowance
from portal.rules.spending.budgets import MAX_LIMIT, Limits
from portal.views.people.account import (
    AccountDetails,
    existing_row,
    load_account,
    load_account_page,
    load_sessions,
)
from portal.views.people.accounts import SessionView
from portal.views.people.keys import KeysView, KeyView, load_key, load_keys
from portal.views.spending.allowances import load_allowances

router = admin_router("Accounts")

READ, WRITE = "accounts:read", "accounts:write"
Reader = Annotated[Actor, Depends(admin_caller(READ))]
Writer = Annotated[Actor, Depends(admin_caller(WRITE))]


class WholeAccount(BaseModel):
    """An account, its limits without allowances, its budgets, and its allowances, newest first."""

    account: AccountDetails
    limits: Limits
    budgets: BudgetAnswer
    allowances: list[AllowanceAnswer]


class AllowanceBody(Body):
    """Extra tokens for one period that has a limit, from now on."""

    period: Annotated[Period, Field(strict=False)]
    tokens: Annotated[int, Field(ge=1, le=MAX_LIMIT, description="Extra billable tokens")]
    reason: Annotated[str, Field(min_length=1, max_length=MAX_REASON)]
    ends_at: Instant


class SessionAnswer(BaseModel, from_attributes=True):
    """A browser that is signed in."""

    id: int
    user_agent: str
    address: str
    created_at: datetime
    last_seen_at: datetime

    @classmethod
    def of(cls, view: SessionView) -> Self:
        """Return a session as JSON."""
        return cls.model_validate(view)


@router.get("/admin/api/accounts/{account_id}", responses=answers(401, 403, 404))
def read_account(session: Reading, caller: Reader, account_id: RowId) -> WholeAccount:
    """Return an account with its budgets and allowances; of a deleted one only the usage is kept."""
    now = utc_now()
    view = load_account_page(session, caller, account_id, now)
    return WholeAccount(
        account=view.account,
        limits=view.limits,
        budgets=budget_answer(view.budgets, now),
        allowances=[AllowanceAnswer.model_validate(row) for row in view.allowances],
    )


@router.get("/admin/api/accounts/{account_id}/keys", responses=answers(401, 403, 404))
def read_keys_of(session: Reading, caller: Reader, account_id: RowId) -> KeysView:
    """Return all keys of an account, also those that have ended: the usable ones first, newest first."""
    existing_row(session, caller, account_id)
    return load_keys(session, account_id, utc_now())


@router.post(
    "/admin/api/accounts/{account_id}/keys",
    status_code=201,
    openapi_extra=body_documentation(NewKeyBody),
    responses=answers(401, 403, 404, 409, 415),
)
def add_key_for(
    caller: Writer, session: Writing, account_id: RowId, new: Annotated[NewKeyBody, Depends(JsonBody(NewKeyBody))]
) -> CreatedKey:
    """Create a key for an account; only this answer shows it in full."""
    now = utc_now()
    created = create_key(session, caller, account_id, new.label, new.expires_at, now)
    return CreatedKey(**asdict(load_key(session, account_id, created.id, now)), key=created.secret)


@router.delete(
    "/admin/api/accounts/{account_id}/keys/{key_id}", dependencies=[NO_BODY], responses=answers(401, 403, 404)
)
def end_key_of(caller: Writer, session: Writing, account_id: RowId, key_id: RowId) -> KeyView:
    """Revoke a key of an account; its past usage stays. May be repeated."""
    now = utc_now()
    revoke_key(session, caller, account_id, key_id, now)
    return load_key(session, account_id, key_id, now)


@router.get("/admin/api/accounts/{account_id}/sessions", responses=answers(401, 403, 404))
def read_sessions_of(session: Reading, caller: Reader, account_id: RowId) -> list[SessionAnswer]:
    """Return the browsers that are signed in with an account, last used first."""
    return [SessionAnswer.of(view) for view in load_sessions(session, caller, account_id, utc_now())]


@router.delete(
    "/admin/api/accounts/{account_id}/sessions/{session_id}",
    status_code=204,
    dependencies=[NO_BODY],
    responses=answers(401, 403, 404),
)
def end_session_of(caller: Writer, session: Writing, account_id: RowId, session_id: RowId) -> None:
    """End one session of an account."""
    end_one_session(session, caller, account_id, session_id, utc_now())


@router.get("/admin/api/accounts/{account_id}/allowances", responses=answers(401, 403, 404))
def read_allowances_of(session: Reading, caller: Reader, account_id: RowId) -> list[AllowanceAnswer]:
    """Return the allowances of an account, newest first."""
    existing_row(session, caller, account_id)
    return [AllowanceAnswer.model_validate(view) for view in load_allowances(session, account_id, utc_now())]


@router.post(
    "/admin/api/accounts/{account_id}/allowances",
    status_code=201,
    openapi_extra=body_documentation(AllowanceBody),
    responses=answers(401, 403, 404, 409, 415),
)
def add_allowance_for(
    caller: Writer,
    session: Writing,
    account_id: RowId,
    new: Annotated[AllowanceBody, Depends(JsonBody(AllowanceBody))],
) -> AllowanceAnswer:
    """Add tokens to a limit of an account for a time."""
    now = utc_now()
    wanted = NewAllowance(new.period, new.tokens, new.reason, new.ends_at)
    number = grant_allowance(session, caller, account_id, wanted, now)
    return next(
        AllowanceAnswer.model_validate(view) for view in load_allowances(session, account_id, now) if view.id == number
    )


@router.delete(
    "/admin/api/accounts/{account_id}/allowances/{allowance_id}",
    status_code=204,
    dependencies=[NO_BODY],
    responses=answers(401, 403, 404, 409),
)
def end_allowance_of(caller: Writer, session: Writing, account_id: RowId, allowance_id: RowId) -> None:
    """End an allowance of an account before its time."""
    end_allowance(session, caller, allowance_id, utc_now(), account_id=account_id)


@router.get(
    "/admin/api/accounts/{account_id}/export",
    dependencies=[Depends(own_slot(READ))],
    response_class=StreamingResponse,
    responses=answers(401, 403, 404, 409) | ZIP_ANSWER,
)
def export_person(session: Streaming, caller: Reader, account_id: RowId) -> StreamingResponse:
    """Return everything that the portal holds of the person of an account, without secrets."""
    account = run_in_reading(load_account, caller, account_id, utc_now())
    return person_response(session, caller, account_id, account.language)
