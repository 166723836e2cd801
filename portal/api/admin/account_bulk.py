"""Changing and importing many accounts."""

from typing import Annotated, Self

from fastapi import Depends, Query
from pydantic import BaseModel, Field, model_validator
from sqlalchemy.orm import Session
from starlette.requests import Request

from portal.actions.people.account_bulk import BulkRun, targets_with_ids
from portal.actions.people.account_import import (
    ImportPlan,
    ImportResult,
    import_accounts,
    mail_links,
    plan_import,
    read_import,
)
from portal.actions.people.password_resets import LinkDelivery
from portal.api.admin.access import admin_caller, admin_router
from portal.api.admin.account_changes import WRITE, BudgetBody, Writer
from portal.api.admin.accounts import AccountQuery
from portal.api.bodies import Body, JsonBody, body_documentation, media_type, read_body, validated
from portal.api.errors import answers
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.rules.people.account_bulk import MOST_ACCOUNTS, BulkChange, BulkKind, BulkProgress, BulkTarget
from portal.rules.people.account_import import ImportRow
from portal.rules.people.account_list import ACCOUNT_LIST
from portal.rules.people.actors import Actor
from portal.rules.text import MAX_NAME
from portal.settings import settings
from portal.views.people.account_list import load_targets

router = admin_router("Accounts")

CSV = "text/csv"


class BulkBody(Body):
    """A change of many accounts: those with `ids`, or those that match `filter`, with the fields of the list."""

    action: Annotated[BulkKind, Field(strict=False)]
    ids: (
        Annotated[list[Annotated[int, Field(ge=1, lt=2**63)]], Field(min_length=1, max_length=MOST_ACCOUNTS)] | None
    ) = None
    filter: dict[str, str] | None = None
    budget: BudgetBody | None = Field(default=None, description="For `budget`; null: the default budget of each role")
    name: Annotated[str, Field(max_length=MAX_NAME)] = Field(
        default="", description="Of the team or expert template; empty: none"
    )

    @model_validator(mode="after")
    def _name_accounts(self) -> Self:
        if (self.ids is None) == (self.filter is None):
            raise ValueError("Name the accounts by either ids or filter.")
        return self


class LeftOutAnswer(BaseModel):
    """An account that was not changed, and why."""

    username: str
    reason: str


class BulkAnswer(BaseModel):
    """What has become of the accounts; `unchanged` ones had the values already."""

    total: int
    changed: int
    unchanged: int
    left_out: list[LeftOutAnswer]
    stopped: str | None = Field(description="Why it ended early; the accounts after that were not changed")

    @classmethod
    def of(cls, progress: BulkProgress) -> Self:
        """Return the progress as JSON."""
        left_out = [LeftOutAnswer(username=each.username, reason=str(each.reason)) for each in progress.left_out]
        stopped = None if progress.stopped is None else str(progress.stopped)
        return cls(
            total=progress.total,
            changed=progress.changed,
            unchanged=progress.unchanged,
            left_out=left_out,
            stopped=stopped,
        )


@router.post("/admin/api/accounts/bulk", openapi_extra=body_documentation(BulkBody), responses=answers(401, 403, 415))
def change_accounts(caller: Writer, new: Annotated[BulkBody, Depends(JsonBody(BulkBody))]) -> BulkAnswer:
    """Change many accounts, one after the other: each is whole or untouched. 5,000 accounts take about a minute."""
    limits = None if new.budget is None else new.budget.limits()
    change = BulkChange(new.action, limits, new.name)
    return BulkAnswer.of(BulkRun(caller, change, run_in_reading(_targets, caller, new)).run())


def _targets(session: Session, caller: Actor, new: BulkBody) -> list[BulkTarget]:
    if new.ids is not None:
        return targets_with_ids(session, caller, new.ids)
    wanted = validated(AccountQuery, new.filter).filter(ACCOUNT_LIST)
    return load_targets(session, caller, wanted, utc_now())


class ImportRowAnswer(BaseModel):
    """A row of the file; `budget` is null for the default budget of the role, `problem` null for a right row."""

    line: int
    username: str
    name: str
    email: str
    role: str
    team: str | None
    template: str | None
    budget: BudgetBody | None
    problem: str | None

    @classmethod
    def of(cls, row: ImportRow) -> Self:
        """Return a row as JSON."""
        limits = row.limits
        return cls(
            line=row.line,
            username=row.username,
            name=row.name,
            email=row.email,
            role=row.role,
            team=row.team or None,
            template=row.template or None,
            budget=None if limits is None else BudgetBody.of(limits),
            problem=None if row.problem is None else str(row.problem),
        )


class ImportedAnswer(BaseModel):
    """A new account; `password_link` is null if it was mailed, or without links."""

    id: int
    username: str
    email: str
    password_link: str | None


class ImportAnswer(BaseModel):
    """What an import would do, or has done."""

    preview: bool
    encoding: str
    separator: str
    right: int
    wrong: int
    rows: list[ImportRowAnswer] = Field(description="All rows of a preview, else those that were left out")
    accounts: list[ImportedAnswer] = Field(description="The new accounts; empty in a preview")


class ImportQuery(BaseModel, extra="forbid"):
    """How a file is imported."""

    preview: bool = Field(default=False, description="Only tell what would happen")
    skip_wrong: bool = Field(default=False, description="Leave wrong rows out")
    links: LinkDelivery = Field(default=LinkDelivery.SHOW, description="What happens to the password links")


async def csv_body(request: Request, _: Annotated[Actor, Depends(admin_caller(WRITE))]) -> bytes:
    """Return the body, a text file. Raises PortalError (413, 415)."""
    media_type(request, CSV)
    return await read_body(request)


@router.post(
    "/admin/api/accounts/import",
    openapi_extra={"requestBody": {"required": True, "content": {CSV: {"schema": {"type": "string"}}}}},
    responses=answers(401, 403, 409, 415),
)
def import_account_file(
    request: Request,
    caller: Writer,
    content: Annotated[bytes, Depends(csv_body)],
    query: Annotated[ImportQuery, Query()],
) -> ImportAnswer:
    """Create an account for each row of a CSV file: all of them or, with wrong rows, none.

    `preview` only tells what would happen, `skip_wrong` leaves wrong rows out. The separator is a comma, semicolon or
    tab; the first line has the names of the columns.
    """
    file = read_import(content)
    plan = run_in_reading(plan_import, caller, file)
    if query.preview:
        return _import_answer(plan, None, "")
    now = utc_now()
    result = run_in_transaction(import_accounts, caller, file, now, skip_wrong=query.skip_wrong, links=query.links)
    if query.links is LinkDelivery.MAIL:
        mail_links(caller, [made.id for made in result.accounts], now)
    base = settings().base_url or f"{request.url.scheme}://{request.url.netloc}"
    return _import_answer(plan, result, base.rstrip("/"))


def _import_answer(plan: ImportPlan, result: ImportResult | None, base: str) -> ImportAnswer:
    rows = plan.rows if result is None else (row for row in plan.rows if row.problem is not None)
    made = () if result is None else result.accounts
    return ImportAnswer(
        preview=result is None,
        encoding=plan.encoding,
        separator=plan.separator,
        right=len(plan.right),
        wrong=plan.wrong,
        rows=[ImportRowAnswer.of(row) for row in rows],
        accounts=[
            ImportedAnswer(
                id=each.id,
                username=each.username,
                email=each.email,
                password_link=f"{base}{each.link}" if each.link else None,
            )
            for each in made
        ],
    )
