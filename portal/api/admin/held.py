"""Held events for administrators: the list, its export, and settling one or many."""

from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Literal, Self

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from portal.actions.metering.held import (
    LONGEST_REASON,
    assign_held,
    assigning,
    dismiss_held,
    dismissing,
    matching_numbers,
    settle_many,
)
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
from portal.api.bodies import LARGEST_ID, Body, JsonBody, RowId, body_documentation
from portal.api.errors import answers
from portal.api.exports import Streaming
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading
from portal.errors import InvalidInput
from portal.rules.lists import LONGEST_SEARCH
from portal.rules.metering.held_list import EVERY_STATE, HELD_LIST, REASONS, SETTLED
from portal.rules.people.actors import Actor
from portal.settings import settings
from portal.views.metering.held import HeldRow, load_held_body, load_held_list, load_held_rows
from portal.views.people.accounts import find_account

router = admin_router("Held events")

READ, WRITE = "held:read", "held:write"
Reader = Annotated[Actor, Depends(admin_caller(READ))]
Writer = Annotated[Actor, Depends(admin_caller(WRITE))]
AT_ONCE = 1000
"""Most events that one request settles, so that no request takes minutes."""


class HeldQuery(ListQuery):
    """A filter of the held events; `search` looks in event id, model, user name and the digest of the key."""

    gateway: str = Field(default="", max_length=LONGEST_SEARCH, description="Name of the gateway")
    reason: str = Field(default="", json_schema_extra={"enum": ["", *REASONS]})
    state: str = Field(
        default="",
        description="Empty: those that wait for a decision",
        json_schema_extra={"enum": ["", SETTLED, EVERY_STATE]},
    )


class HeldPageQuery(HeldQuery, PageParameters):
    """A filter and a page."""


class HeldExportQuery(HeldQuery, ExportParameters):
    """Which events to export, and in which format."""


class HeldAnswer(BaseModel):
    """A held event; `key` is the beginning of the SHA-256 of its API key, `tokens` are input and output together."""

    number: int
    gateway: str
    id: str = Field(description="Id of the event at the gateway")
    reason: str = Field(json_schema_extra={"enum": list(REASONS)})
    requested_at: datetime
    received_at: datetime
    settled_at: datetime | None
    model: str
    username: str | None
    key: str | None
    tokens: int

    @classmethod
    def of(cls, row: HeldRow) -> Self:
        """Return a held event as JSON."""
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


COLUMNS = tuple(HeldAnswer.model_fields)
"""The columns of the export; instants in UTC."""


class AssignBody(Body):
    """The account for which an event counts."""

    account: str = Field(max_length=254, description="User name or email address")


class DismissBody(Body):
    """Why an event is not counted; the audit log keeps it."""

    reason: str = Field(default="", max_length=LONGEST_REASON)


class WantedHeld(Body):
    """A filter, as in the list."""

    search: str = ""
    gateway: str = ""
    reason: str = ""


class SettleBody(Body):
    """What to do with which events: those with these numbers, or those that match a filter."""

    action: Literal["assign", "dismiss"]
    account: str = Field(default="", max_length=254, description="User name or email address, to assign")
    reason: str = Field(default="", max_length=LONGEST_REASON, description="Why, to dismiss")
    numbers: list[Annotated[int, Field(ge=1, le=LARGEST_ID)]] | None = Field(
        default=None, min_length=1, max_length=AT_ONCE
    )
    filter: WantedHeld | None = None


class Problem(BaseModel):
    """An event that was not settled, and why."""

    number: int
    detail: str


class SettledAnswer(BaseModel):
    """How many events were settled, and which were not; each is settled whole or not at all.

    `is_complete` is false if more than 1,000 match the filter: the others are untouched. Send the request again.
    """

    settled: int
    problems: list[Problem]
    is_complete: bool


@router.get("/admin/api/held", responses=answers(401, 403))
def read_held(session: Reading, caller: Reader, query: Annotated[HeldPageQuery, Query()]) -> ListAnswer[HeldAnswer]:
    """Return one page of the held events that match a filter."""
    wanted = query.filter(HELD_LIST)
    view = load_held_list(session, caller, wanted, utc_now(), query.limit, query.cursor or None)
    return list_answer(view, HeldAnswer.of)


@router.get("/admin/api/held/export", **export_route(READ, COLUMNS))
def export_held(session: Streaming, caller: Reader, query: Annotated[HeldExportQuery, Query()]) -> StreamingResponse:
    """Return all held events that match a filter, as a file."""
    rows = load_held_rows(session, caller, query.filter(HELD_LIST))
    return export_file("held", "Held events", COLUMNS, map(_cells, rows), query.format, query.bom, utc_now())


@router.post(
    "/admin/api/held/settle", openapi_extra=body_documentation(SettleBody), responses=answers(401, 403, 404, 415)
)
def settle_held(caller: Writer, body: Annotated[SettleBody, Depends(JsonBody(SettleBody))]) -> SettledAnswer:
    """Assign or dismiss many held events, at most 1,000 at once."""
    if (body.numbers is None) == (body.filter is None):
        raise InvalidInput("numbers: give either numbers or a filter.", "numbers")
    if body.action == "assign":
        settle = assigning(caller, run_in_reading(find_account, body.account).id)
    else:
        settle = dismissing(caller, body.reason)
    numbers = sorted(set(body.numbers)) if body.numbers else _matching(caller, body.filter or WantedHeld())
    done = list(settle_many(numbers[:AT_ONCE], settle, utc_now))
    problems = [Problem(number=each.number, detail=str(each.problem)) for each in done if each.problem is not None]
    return SettledAnswer(settled=len(done) - len(problems), problems=problems, is_complete=len(numbers) <= AT_ONCE)


@router.get("/admin/api/held/{number}", responses=answers(401, 403, 404))
def read_held_body(session: Reading, caller: Reader, number: RowId) -> dict[str, Any]:
    """Return the report of a held event, with digests in place of API keys."""
    return load_held_body(session, caller, number)


@router.post(
    "/admin/api/held/{number}/assign",
    status_code=204,
    openapi_extra=body_documentation(AssignBody),
    responses=answers(401, 403, 404, 409, 415),
)
def assign(
    caller: Writer, session: Writing, number: RowId, body: Annotated[AssignBody, Depends(JsonBody(AssignBody))]
) -> None:
    """Count an unattributed event for an account, once, in the period in which it was requested."""
    owner = find_account(session, body.account)
    assign_held(session, caller, number, owner.id, settings().budget_zone, utc_now())


@router.post(
    "/admin/api/held/{number}/dismiss",
    status_code=204,
    openapi_extra=body_documentation(DismissBody),
    responses=answers(401, 403, 404, 409, 415),
)
def dismiss(
    caller: Writer, session: Writing, number: RowId, body: Annotated[DismissBody, Depends(JsonBody(DismissBody))]
) -> None:
    """Settle a held event without counting it; it is kept."""
    dismiss_held(session, caller, number, utc_now(), body.reason)


def _matching(caller: Actor, wanted: WantedHeld) -> list[int]:
    chosen = HeldQuery(**wanted.model_dump()).filter(HELD_LIST)
    return list(islice(matching_numbers(caller, chosen), AT_ONCE + 1))


def _cells(row: HeldRow) -> list[Any]:
    return [getattr(row, name) for name in COLUMNS]
