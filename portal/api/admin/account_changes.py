"""Changes to accounts by administrators: creating, editing, budgets, suspending, password links, deleting.

Every answer has the account as the list has it.

Decision: in each route the caller and the body come before the session. A transaction must not wait for a body, and on
SQLite not for itself: finding the caller may write the last use of a token.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session
from starlette.requests import Request

from portal.actions.people.accounts import edit_account, hash_new_password, set_active
from portal.actions.people.deletion import delete_account
from portal.actions.people.new_accounts import create_account, team_id_named, template_id_named
from portal.actions.people.password_resets import PasswordLink, mail_password_link, make_password_link
from portal.actions.people.sessions import sign_out_everywhere, unlock_sign_in
from portal.actions.people.teams import move_account
from portal.actions.spending.budgets import set_budget
from portal.actions.templates import assign_template
from portal.api.access import Writing
from portal.api.admin.access import admin_caller, admin_router
from portal.api.admin.accounts import AccountAnswer
from portal.api.bodies import NO_BODY, Body, JsonBody, RowId, body_documentation
from portal.api.errors import answers
from portal.clock import utc_now
from portal.db.sql.session import run_in_transaction
from portal.errors import InvalidInput
from portal.rules.messages import message
from portal.rules.people.accounts import Language, Role
from portal.rules.people.actors import Actor
from portal.rules.spending.budgets import MAX_LIMIT, BudgetType, Limits
from portal.rules.text import MAX_EMAIL, MAX_LABEL, MAX_NAME, MAX_PASSWORD
from portal.settings import settings
from portal.views.people.account_list import load_account_item

router = admin_router("Accounts")

WRITE = "accounts:write"
Writer = Annotated[Actor, Depends(admin_caller(WRITE))]
Limit = Annotated[int, Field(ge=0, le=MAX_LIMIT)]
AnyRole = Annotated[Role, Field(strict=False)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
DisplayName = Annotated[str, Field(min_length=1, max_length=MAX_LABEL)]
Link = Literal["show", "mail", "none"]


class BudgetBody(Body):
    """The limits of an account in billable tokens; a missing or null one is none. 0 allows nothing."""

    daily: Limit | None = None
    monthly: Limit | None = None
    total: Limit | None = None
    type: Annotated[BudgetType, Field(strict=False, description="Of `one_time` only the total limit counts")] = (
        BudgetType.SUBSCRIPTION
    )

    @classmethod
    def of(cls, limits: Limits) -> Self:
        """Return limits as JSON."""
        return cls(daily=limits.daily, monthly=limits.monthly, total=limits.total, type=limits.type)

    def limits(self) -> Limits:
        """Return them as the action takes them."""
        return Limits(self.daily, self.monthly, self.total, self.type)


class NewAccountBody(Body):
    """An account to create. Without a password it gets a password link, which the answer shows or a mail has."""

    username: Name
    email: Annotated[str, Field(min_length=1, max_length=MAX_EMAIL)]
    role: AnyRole = Role.USER
    display_name: DisplayName | None = None
    password: Annotated[str, Field(max_length=MAX_PASSWORD)] | None = None
    link: Link = Field(default="show", description="What happens to the password link")
    budget: BudgetBody | None = Field(default=None, description="Null: the default budget of the role")
    template: Name | None = Field(default=None, description="Name of an expert template")
    team: Name | None = Field(default=None, description="Name of a team")


class AccountBody(Body):
    """The fields to change; a missing or null one stays as it is.

    With the `version` that the account had, a change by somebody else in between answers 409, and nothing is changed.
    """

    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    display_name: DisplayName | None = None
    email: Annotated[str, Field(max_length=MAX_EMAIL, description="Empty removes the address")] | None = None
    role: Annotated[AnyRole | None, Field(description="Another role ends the sessions")] = None
    time_zone: Annotated[str, Field(max_length=MAX_NAME, examples=["Europe/Berlin"])] | None = None
    language: Annotated[Language, Field(strict=False)] | None = None
    template: Annotated[str, Field(max_length=MAX_NAME, description="Name of one; empty removes it")] | None = None
    team: Annotated[str, Field(max_length=MAX_NAME, description="Name of one; empty removes it")] | None = None


class LinkAnswer(BaseModel):
    """A link with which a person sets a password once; only this answer shows it."""

    url: str = Field(description="With the host of the request, if the portal does not know its own address")
    expires_at: datetime


class NewAccountAnswer(AccountAnswer):
    """A new account; `password_link` is null with a password, after a mail, and without a link."""

    password_link: LinkAnswer | None


class LinkQuery(BaseModel, extra="forbid"):
    """How the link reaches the person."""

    by: Literal["show", "mail"] = "show"


class LinkMailedAnswer(BaseModel):
    """The new link, or the address to which it was mailed."""

    password_link: LinkAnswer | None
    mailed_to: str | None


class EndedAnswer(BaseModel):
    """The number of sessions that were ended."""

    ended: int


@router.post(
    "/admin/api/accounts",
    status_code=201,
    openapi_extra=body_documentation(NewAccountBody),
    responses=answers(401, 403, 409, 415),
)
def add_account(
    request: Request, caller: Writer, new: Annotated[NewAccountBody, Depends(JsonBody(NewAccountBody))]
) -> NewAccountAnswer:
    """Create an account, with a password or a password link."""
    password_hash = None if new.password is None else hash_new_password(new.password, new.username)
    return run_in_transaction(_create, request, caller, new, password_hash, utc_now())


def _create(
    session: Session, request: Request, caller: Actor, new: NewAccountBody, password_hash: str | None, now: datetime
) -> NewAccountAnswer:
    limits = None if new.budget is None else new.budget.limits()
    fields = (new.username, new.email, new.role, password_hash, now, new.display_name)
    account_id = create_account(session, caller, *fields, limits=limits, template=new.template, team=new.team).id
    link = None
    if password_hash is None and new.link == "mail":
        mail_password_link(session, caller, account_id, now)
    elif password_hash is None and new.link == "show":
        link = _link(request, make_password_link(session, caller, account_id, now))
    session.flush()
    answer = _answer(session, caller, account_id, now)
    return NewAccountAnswer(**answer.model_dump(), password_link=link)


@router.patch(
    "/admin/api/accounts/{account_id}",
    openapi_extra=body_documentation(AccountBody),
    responses=answers(401, 403, 404, 409, 415),
)
def change_account(
    caller: Writer,
    account_id: RowId,
    new: Annotated[AccountBody, Depends(JsonBody(AccountBody))],
    session: Writing,
) -> AccountAnswer:
    """Change fields of an account."""
    fields = new.model_dump(exclude_none=True)
    if not fields.keys() - {"version"}:
        raise InvalidInput(message("Name at least one field to change."))
    now = utc_now()
    template, team = fields.pop("template", None), fields.pop("team", None)
    edit_account(session, caller, account_id, now, **fields)
    if team is not None:
        move_account(session, caller, account_id, team_id_named(session, team) if team else None, now)
    if template is not None:
        assign_template(session, caller, account_id, template_id_named(session, template) if template else None, now)
    return _answer(session, caller, account_id, now)


@router.put(
    "/admin/api/accounts/{account_id}/budget",
    openapi_extra=body_documentation(BudgetBody),
    responses=answers(401, 403, 404, 409, 415),
)
def replace_budget(
    caller: Writer,
    account_id: RowId,
    new: Annotated[BudgetBody, Depends(JsonBody(BudgetBody))],
    session: Writing,
) -> AccountAnswer:
    """Replace all limits of an account."""
    now = utc_now()
    set_budget(session, caller, account_id, new.limits(), now)
    return _answer(session, caller, account_id, now)


_ACTION: dict[str, Any] = {
    "dependencies": [Depends(admin_caller(WRITE)), NO_BODY],
    "responses": answers(401, 403, 404, 409, 415),
}
"""The caller comes before the body: nobody without the right learns what a route takes."""


@router.post("/admin/api/accounts/{account_id}/suspend", **_ACTION)
def suspend_account(caller: Writer, account_id: RowId, session: Writing) -> AccountAnswer:
    """Keep a person out at once: sessions end, API keys stop working, the figures stay. May be repeated."""
    now = utc_now()
    set_active(session, caller, account_id, False, now)
    return _answer(session, caller, account_id, now)


@router.post("/admin/api/accounts/{account_id}/activate", **_ACTION)
def activate_account(caller: Writer, account_id: RowId, session: Writing) -> AccountAnswer:
    """Let a suspended account in again. May be repeated."""
    now = utc_now()
    set_active(session, caller, account_id, True, now)
    return _answer(session, caller, account_id, now)


@router.post("/admin/api/accounts/{account_id}/sign-out", **_ACTION)
def sign_account_out(caller: Writer, account_id: RowId, session: Writing) -> EndedAnswer:
    """End all sessions of an account."""
    return EndedAnswer(ended=sign_out_everywhere(session, caller, account_id, utc_now()))


@router.post("/admin/api/accounts/{account_id}/unlock", status_code=204, **_ACTION)
def unlock_account(caller: Writer, account_id: RowId, session: Writing) -> None:
    """Let a person try again at once who has typed too many wrong passwords. May be repeated."""
    unlock_sign_in(session, caller, account_id, utc_now())


@router.post("/admin/api/accounts/{account_id}/password-link", **_ACTION)
def add_password_link(
    request: Request, caller: Writer, account_id: RowId, session: Writing, query: Annotated[LinkQuery, Query()]
) -> LinkMailedAnswer:
    """Make a link with which the person sets a password, and show or mail it; earlier links stay valid."""
    now = utc_now()
    if query.by == "mail":
        return LinkMailedAnswer(password_link=None, mailed_to=mail_password_link(session, caller, account_id, now))
    link = _link(request, make_password_link(session, caller, account_id, now))
    return LinkMailedAnswer(password_link=link, mailed_to=None)


@router.delete("/admin/api/accounts/{account_id}", **_ACTION)
def remove_account(caller: Writer, account_id: RowId, session: Writing) -> AccountAnswer:
    """Erase the personal data of an account for ever; its usage stays under the answered user name."""
    now = utc_now()
    delete_account(session, caller, account_id, now)
    return _answer(session, caller, account_id, now)


def _answer(session: Session, caller: Actor, account_id: int, now: datetime) -> AccountAnswer:
    session.flush()
    return AccountAnswer.of(load_account_item(session, caller, account_id, now))


def _link(request: Request, link: PasswordLink) -> LinkAnswer:
    base = settings().base_url or f"{request.url.scheme}://{request.url.netloc}"
    return LinkAnswer(url=f"{base.rstrip('/')}{link.path}", expires_at=link.expires_at)
