"""The requests of the organisation, behind the figures of its usage."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from portal.api.access import Reading
from portal.api.admin.access import admin_caller, admin_router
from portal.api.admin.lists import ExportParameters, ListAnswer, PageParameters, export_file, export_route, list_answer
from portal.api.admin.organisation import READ, ScopeQuery, UsageSums
from portal.api.errors import answers
from portal.api.exports import Streaming
from portal.clock import utc_now
from portal.exports.tables import Euros
from portal.rules.metering.organisation import REQUEST_LIST
from portal.rules.people.actors import Actor
from portal.rules.spending.pricing import eur_text
from portal.views.metering.organisation_requests import RequestRow, load_request_rows, load_requests

router = admin_router("Usage")

Reader = Annotated[Actor, Depends(admin_caller(READ))]


class RequestPageQuery(ScopeQuery, PageParameters):
    """A filter and a page."""


class RequestExportQuery(ScopeQuery, ExportParameters):
    """Which requests to export, and in which format."""


class RequestItem(BaseModel):
    """One request of any account."""

    id: int
    requested_at: datetime
    username: str
    team: str | None = Field(description="Team of the account when the request was stored")
    gateway: str
    model: str
    provider_model: str | None
    template: str | None
    key_label: str | None
    mode: str
    prompt_tokens: int | None = Field(description="Null, like the other raw counts, where the tokens are unknown")
    completion_tokens: int | None
    total_tokens: int | None
    billable_tokens: int
    cost_eur: str | None = Field(description="EUR, an exact decimal string; null without a price")
    status: str = Field(description="`ok` or the gateway's error code")
    latency_ms: int | None

    @classmethod
    def of(cls, row: RequestRow) -> Self:
        """Return a request as JSON."""
        found = {name: getattr(row, name) for name in cls.model_fields if name != "cost_eur"}
        if row.without_counts:
            found |= dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"))
        cost = row.cost_nano_eur
        return cls.model_validate({**found, "cost_eur": None if cost is None else eur_text(cost)})


class RequestsAnswer(ListAnswer[RequestItem]):
    """One page of requests, with the sums of all that match the filter."""

    totals: UsageSums
    pruned: UsageSums = Field(description="Sums of requests that are counted, but no longer kept one by one")


COLUMNS = (
    *("requested_at", "username", "team", "gateway", "model", "provider_model", "template", "key_label", "mode"),
    *("prompt_tokens", "completion_tokens", "total_tokens", "cost_factor", "billable_tokens", "cost_eur"),
    *("status", "latency_ms"),
)
"""The columns of the export: raw tokens, billable tokens, EUR."""
_RAW = {"prompt_tokens", "completion_tokens", "total_tokens"}


@router.get("/admin/api/usage/requests", responses=answers(401, 403))
def read_organisation_requests(
    session: Reading, caller: Reader, query: Annotated[RequestPageQuery, Query()]
) -> RequestsAnswer:
    """Return one page of the requests of the organisation."""
    wanted = query.filter(REQUEST_LIST)
    view = load_requests(session, caller, wanted, utc_now(), query.limit, query.cursor or None)
    page = list_answer(view, RequestItem.of)
    return RequestsAnswer(**dict(page), totals=UsageSums.of(view.totals), pruned=UsageSums.of(view.pruned))


@router.get("/admin/api/usage/requests/export", **export_route(READ, COLUMNS))
def export_organisation_requests(
    session: Streaming, caller: Reader, query: Annotated[RequestExportQuery, Query()]
) -> StreamingResponse:
    """Return all requests that match a filter, as a file."""
    now = utc_now()
    rows = load_request_rows(session, caller, query.filter(REQUEST_LIST), now)
    return export_file("requests", "Requests", COLUMNS, map(_cells, rows), query.format, query.bom, now)


def _cells(row: RequestRow) -> list[Any]:
    """Return a request in the order of COLUMNS."""
    left_out = _RAW if row.without_counts else set()
    cost = None if row.cost_nano_eur is None else Euros(row.cost_nano_eur)
    return [cost if name == "cost_eur" else None if name in left_out else getattr(row, name) for name in COLUMNS]
