"""The accounts for administrators."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from portal.api.access import Reading
from portal.api.admin.access import admin_caller, admin_router
from portal.api.admin.lists import (
    BudgetLevel,
    ExportParameters,
    ListAnswer,
    ListQuery,
    PageParameters,
    export_file,
    export_route,
    list_answer,
)
from portal.api.errors import answers
from portal.api.exports import Streaming
from portal.clock import utc_now
from portal.exports.tables import Euros
from portal.rules.lists import LONGEST_SEARCH
from portal.rules.people.account_list import ACCOUNT_LIST, EVERY_STATUS, NO_TEAM, AccountStatus
from portal.rules.people.accounts import Role
from portal.rules.people.actors import Actor
from portal.rules.spending.pricing import eur_text
from portal.views.people.account_list import AccountItem, load_account_list, load_account_rows

router = admin_router("Accounts")

READ = "accounts:read"
Reader = Annotated[Actor, Depends(admin_caller(READ))]


class AccountQuery(ListQuery):
    """A filter of the accounts; `search` looks in user name, name and email address."""

    role: str = Field(default="", json_schema_extra={"enum": ["", *Role]})
    team: str = Field(
        default="",
        max_length=LONGEST_SEARCH,
        description=f"Name of a team, in upper or lower case; `{NO_TEAM}`: without a team",
    )
    status: str = Field(
        default="",
        description="Empty: all but the deleted accounts",
        json_schema_extra={"enum": ["", *AccountStatus, EVERY_STATUS]},
    )


class AccountPageQuery(AccountQuery, PageParameters):
    """A filter and a page."""


class AccountExportQuery(AccountQuery, ExportParameters):
    """Which accounts to export, and in which format."""


class AccountAnswer(BaseModel):
    """An account; tokens are billable, they and the cost are those of this month of the budget time zone."""

    id: int
    username: str
    display_name: str
    email: str | None
    role: str
    team: str | None
    status: str
    time_zone: str | None
    created_at: datetime
    signed_in_at: datetime | None
    tokens: int
    cost_eur: str = Field(description="EUR, an exact decimal string", examples=["0.01486"])
    version: int = Field(description="Grows with each change of the account; see `PATCH`")
    unpriced: int = Field(description="Requests of this month without a price, which are not in the cost")
    budget: BudgetLevel | None = Field(description="Null without a limit")

    @classmethod
    def of(cls, row: AccountItem) -> Self:
        """Return an account as JSON."""
        others = {
            "email": row.email or None,
            "tokens": row.month.tokens,
            "cost_eur": eur_text(row.month.cost_nano_eur),
            "unpriced": row.month.unpriced,
            "budget": BudgetLevel.of(row.period, row.budget),
        }
        same = {name: getattr(row, name) for name in cls.model_fields.keys() - others.keys()}
        return cls.model_validate(same | others)


COLUMNS = (
    *("username", "name", "email", "role", "team", "status", "tokens_this_month", "cost_this_month_eur"),
    *("budget_period", "budget_percent", "budget_level", "last_sign_in", "created_at"),
)
"""The columns of the export: billable tokens, EUR, instants in UTC."""


@router.get("/admin/api/accounts", responses=answers(401, 403))
def read_accounts(
    session: Reading, caller: Reader, query: Annotated[AccountPageQuery, Query()]
) -> ListAnswer[AccountAnswer]:
    """Return one page of the accounts that match a filter."""
    wanted = query.filter(ACCOUNT_LIST)
    view = load_account_list(session, caller, wanted, utc_now(), query.limit, query.cursor or None)
    return list_answer(view, AccountAnswer.of)


@router.get("/admin/api/accounts/export", **export_route(READ, COLUMNS))
def export_accounts(
    session: Streaming, caller: Reader, query: Annotated[AccountExportQuery, Query()]
) -> StreamingResponse:
    """Return all accounts that match a filter, as a file."""
    now = utc_now()
    rows = load_account_rows(session, caller, query.filter(ACCOUNT_LIST), now)
    return export_file("accounts", "Accounts", COLUMNS, map(_cells, rows), query.format, query.bom, now)


def _cells(row: AccountItem) -> list[Any]:
    """Return an account in the order of COLUMNS."""
    percent, level = (row.budget.percent, row.budget.level) if row.budget else (None, None)
    return [
        *(row.username, row.display_name, row.email or None, row.role, row.team, row.status, row.month.tokens),
        *(Euros(row.month.cost_nano_eur), row.period, percent, level, row.signed_in_at, row.created_at),
    ]
