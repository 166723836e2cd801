"""Export of an account's requests that match a filter, row by row, in constant memory.

CSV and XLSX (`api.exports`) have the columns `COLUMNS`; JSON lines are the items of `/user/api/usage` with the other
columns added.
"""

from collections.abc import Generator, Iterator
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import Field, PlainSerializer
from starlette.responses import StreamingResponse

from portal.api.access import SESSION
from portal.api.account.usage import RAW_COUNTS, FilterQuery, UsageItem
from portal.api.bodies import strict_router
from portal.api.errors import answers
from portal.api.exports import (
    Format,
    Streaming,
    WithMark,
    export_slot,
    file_answers,
    file_response,
    table_chunks,
)
from portal.clock import utc_now
from portal.exports.tables import Euros, batches
from portal.rules.metering.usage import UsageFilter
from portal.views.metering.usage import UsageRow, load_export
from portal.views.people.accounts import Viewer
from portal.web.visitors import SignedIn

router = strict_router("Account", dependencies=[SESSION])

_RENAMED = {"key_label": "api_key_label", "key_prefix": "api_key_prefix", "cost_nano_eur": "cost_eur"}
_LEFT_OUT = {"provider_model", "without_counts"}


def _columns() -> Iterator[str]:
    """Yield the names of the columns, which are the fields of a row."""
    for field in fields(UsageRow):
        if field.name not in _LEFT_OUT:
            yield _RENAMED.get(field.name, field.name)
        if field.name == "completion_tokens":
            yield "total_tokens"


COLUMNS = tuple(_columns())
"""Columns of CSV and XLSX: tokens raw but for the billable ones, EUR, milliseconds, instants in UTC."""


class ExportQuery(FilterQuery):
    """Which requests to export, and in which format."""

    format: Format = Format.CSV
    bom: WithMark = "true"


class ExportItem(UsageItem):
    """One line of a JSON lines export."""

    cached_tokens: int | None = Field(description="Part of prompt_tokens")
    reasoning_tokens: int | None = Field(description="Part of completion_tokens")
    cost_factor: Annotated[Decimal, PlainSerializer("{:f}".format)] = Field(description="An exact decimal string")


def own_slot(viewer: SignedIn) -> Iterator[None]:
    """Count a running export of the account. Raises Unavailable if too many run."""
    with export_slot(viewer.id):
        yield


@router.get(
    "/user/api/usage/export",
    dependencies=[Depends(own_slot)],
    response_class=StreamingResponse,
    responses=answers(401) | file_answers(COLUMNS, Format),
)
def export_usage(session: Streaming, viewer: SignedIn, query: Annotated[ExportQuery, Query()]) -> StreamingResponse:
    """Return all of the account's requests that match a filter, as a file."""
    now = utc_now()
    return usage_file(load_export(session, viewer, query.filter(), now), viewer, query, now)


def usage_file(rows: Iterator[UsageRow], person: Viewer, query: ExportQuery, now: datetime) -> StreamingResponse:
    """Return the requests of a person as a file."""
    if query.format is Format.JSONL:
        chunks = as_json_lines(rows)
    else:
        chunks = table_chunks(query.format, "Usage", COLUMNS, map(_values, rows))
    name = f"moe-portal-usage-{person.username}-{_period(query.filter(), person, now)}"
    return file_response(name, query.format, chunks, bom=query.bom)


def as_json_lines(rows: Iterator[UsageRow]) -> Generator[bytes]:
    """Yield rows as one JSON object a line, in pieces."""
    for batch in batches(rows):
        yield b"".join(ExportItem.of(row).model_dump_json().encode() + b"\n" for row in batch)


def _values(row: UsageRow) -> list[Any]:
    """Return a request in the order of COLUMNS; a missing cost and missing counts are empty cells."""
    cost = None if row.cost_nano_eur is None else Euros(row.cost_nano_eur)
    special: dict[str, Any] = {"api_key_label": row.key_label, "api_key_prefix": row.key_prefix, "cost_eur": cost}
    if row.without_counts:
        special |= dict.fromkeys(RAW_COUNTS)
    return [special[name] if name in special else getattr(row, name) for name in COLUMNS]


def _period(wanted: UsageFilter, viewer: Viewer, now: datetime) -> str:
    """Return the days of an export for the name of its file."""
    if wanted.budget_from or wanted.budget_to:
        return "-to-".join(str(day) for day in (wanted.budget_from, wanted.budget_to) if day)
    days = wanted.days(now, viewer.zone)
    return f"{days.first}-to-{days.last}"
