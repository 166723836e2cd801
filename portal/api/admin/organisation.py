"""The usage of the organisation for administrators."""

from typing import Annotated, Any, Self

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from portal.api.access import Reading
from portal.api.admin.access import admin_caller, admin_router
from portal.api.admin.lists import ExportParameters, ListQuery, PageParameters, export_file, export_route
from portal.api.errors import answers
from portal.api.exports import Streaming
from portal.api.figures import Sums
from portal.clock import utc_now
from portal.exports.tables import Euros
from portal.rules.metering.figures import Figures
from portal.rules.metering.organisation import LONGEST_NAME, NO_COST_CENTRE, USAGE_LIST, Grouping, Span
from portal.rules.people.actors import Actor
from portal.views.metering.organisation import UsageGroup, load_organisation, load_organisation_rows

router = admin_router("Usage")

READ = "usage:read"
Reader = Annotated[Actor, Depends(admin_caller(READ))]


class ScopeQuery(ListQuery):
    """Which usage; days are those of the budget time zone."""

    range: str = Field(default="", description="Plain: this month", json_schema_extra={"enum": ["", *Span]})
    first: str = Field(default="", alias="from", description="First day; replaces `range`", examples=["2026-11-01"])
    last: str = Field(default="", alias="to", description="Last day", examples=["2026-11-30"])
    account: str = Field(default="", description="Id of an account")
    team: str = Field(default="", description="Id of a team; 0 is no team")
    cost_centre: str = Field(default="", max_length=LONGEST_NAME, description=f"`{NO_COST_CENTRE}` is none")
    model: str = Field(default="", max_length=LONGEST_NAME)
    mode: str = Field(default="", max_length=LONGEST_NAME)
    gateway: str = Field(default="", description="Id of a gateway; 0 is an unknown one")


class UsageQuery(ScopeQuery):
    """Which usage, and how it is grouped; `search` looks in keys and names."""

    by: str = Field(default="", description="Plain: team", json_schema_extra={"enum": ["", *Grouping]})


class UsagePageQuery(UsageQuery, PageParameters):
    """A filter and a page."""


class UsageExportQuery(UsageQuery, ExportParameters):
    """Which usage to export, and in which format."""


class UsageSums(Sums):
    """The sums of a group, or of all groups."""

    unpriced: int = Field(description="Requests without a price, which are not in the cost")

    @classmethod
    def of(cls, figures: Figures, **about: object) -> Self:
        """Return figures as JSON, with the further fields `about`."""
        return super().of(figures, unpriced=figures.unpriced, **about)


class UsageItem(UsageSums):
    """The usage of one group."""

    key: str | None = Field(
        description="User name, name of a team or gateway, cost centre, model, mode, day or month; null is none"
    )
    id: int | None = Field(description="Of the account, team or gateway; null for other groupings")
    name: str = Field(description="Name of the account, or cost centre of the team")


class UsageAnswer(BaseModel):
    """One page of groups, and the sums of all groups that match the filter."""

    items: list[UsageItem]
    totals: UsageSums
    next_cursor: str | None = Field(description="Cursor of the next page; null on the last one")
    total: int = Field(description="Number of all groups")


COLUMNS = (
    *("key", "name", "requests", "prompt_tokens", "completion_tokens", "total_tokens", "billable_tokens"),
    *("cost_eur", "unpriced", "without_counts"),
)
"""The columns of the export: counts and raw tokens, billable tokens, EUR."""


@router.get("/admin/api/usage", responses=answers(401, 403))
def read_organisation_usage(session: Reading, caller: Reader, query: Annotated[UsagePageQuery, Query()]) -> UsageAnswer:
    """Return one page of the usage of the organisation, by group."""
    wanted = query.filter(USAGE_LIST)
    view = load_organisation(session, caller, wanted, utc_now(), query.limit, query.cursor or None)
    has_id = view.by in {Grouping.ACCOUNT, Grouping.TEAM, Grouping.GATEWAY}
    return UsageAnswer(
        items=[
            UsageItem.of(row.figures, key=row.key or None, id=row.id if has_id else None, name=row.name)
            for row in view.rows
        ],
        totals=UsageSums.of(view.totals),
        next_cursor=view.on,
        total=view.total,
    )


@router.get("/admin/api/usage/export", **export_route(READ, COLUMNS))
def export_organisation_usage(
    session: Streaming, caller: Reader, query: Annotated[UsageExportQuery, Query()]
) -> StreamingResponse:
    """Return the usage of all groups that match a filter, as a file."""
    now = utc_now()
    rows = load_organisation_rows(session, caller, query.filter(USAGE_LIST), now)
    return export_file("usage", "Usage", COLUMNS, map(_cells, rows), query.format, query.bom, now)


def _cells(row: UsageGroup) -> list[Any]:
    """Return a group in the order of COLUMNS."""
    sums = row.figures
    return [
        *(row.key or None, row.name or None, sums.requests, sums.prompt_tokens, sums.completion_tokens),
        *(sums.total_tokens, sums.tokens, Euros(sums.cost_nano_eur), sums.unpriced, sums.without_counts),
    ]
