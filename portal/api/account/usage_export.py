"""Export of an account's requests that match a filter, row by row, in constant memory.

Decisions: the rows come from one snapshot of the database, which is closed when the last byte is sent or the client
disconnects. Only a few exports run at once, since each holds a connection until its client has read everything.
CSV and XLSX have the columns `COLUMNS`; JSON lines are the items of `/user/api/usage` with the other columns added.
Text that a spreadsheet would read as a formula is marked as text (source: OWASP, CSV injection). CSV begins with a
byte order mark, without which Excel reads UTF-8 as the system's old code page; `bom=false` leaves it out.
"""

import codecs
import csv
import io
import re
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import chain, islice
from typing import IO, Annotated, Any, Literal

from fastapi import Depends, Query
from pydantic import Field, PlainSerializer
from sqlalchemy.orm import Session
from starlette.responses import StreamingResponse

from portal.api.access import SESSION
from portal.api.account.usage import RAW_COUNTS, FilterQuery, UsageItem
from portal.api.bodies import strict_router
from portal.api.errors import answers
from portal.clock import utc_now
from portal.db.sql.session import open_snapshot
from portal.errors import Unavailable
from portal.rules.metering.usage import UsageFilter
from portal.rules.spending.pricing import eur, eur_text
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

AT_ONCE = 4
AT_ONCE_EACH = 2
"""Exports of one account, so that a slow client does not block other accounts."""
_slots = threading.BoundedSemaphore(AT_ONCE)
_running: Counter[int] = Counter()
_counting = threading.Lock()

_BATCH = 500
_SHEET_ROWS = 2**20 - 1  # an XLSX sheet has 2²⁰ rows; the first one has the names of the columns
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class Format(StrEnum):
    """Format of the file."""

    CSV = "csv"
    XLSX = "xlsx"
    JSONL = "jsonl"


_MEDIA_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.JSONL: "application/x-ndjson",
}


class ExportQuery(FilterQuery):
    """Which requests to export, and in which format."""

    format: Format = Format.CSV
    bom: Literal["true", "false"] = Field(default="true", description="CSV: begin with a byte order mark, for Excel")


class ExportItem(UsageItem):
    """One line of a JSON lines export."""

    cached_tokens: int | None = Field(description="Part of prompt_tokens")
    reasoning_tokens: int | None = Field(description="Part of completion_tokens")
    cost_factor: Annotated[Decimal, PlainSerializer("{:f}".format)] = Field(description="An exact decimal string")


def export_slot(viewer: SignedIn) -> Iterator[None]:
    """Count a running export. Raises Unavailable if too many run, of the account or of all accounts."""
    with _counting:
        if _running[viewer.id] >= AT_ONCE_EACH or not _slots.acquire(blocking=False):
            raise Unavailable("Other exports are still running. Try again in a moment.")
        _running[viewer.id] += 1
    try:
        yield
    finally:
        with _counting:
            _running[viewer.id] -= 1
            if not _running[viewer.id]:
                del _running[viewer.id]
            _slots.release()


@router.get(
    "/user/api/usage/export",
    dependencies=[Depends(export_slot)],
    response_class=StreamingResponse,
    responses=answers(401)
    | {
        200: {
            "description": f"The file. Columns of CSV and XLSX: {', '.join(COLUMNS)}.",
            "content": {kind.partition(";")[0]: {} for kind in _MEDIA_TYPES.values()},
        }
    },
)
def export_usage(
    session: Annotated[Session, Depends(open_snapshot)],  # closed after the last byte, not before the first
    viewer: SignedIn,
    query: Annotated[ExportQuery, Query()],
) -> StreamingResponse:
    """Return all of the account's requests that match a filter, as a file."""
    now, wanted = utc_now(), query.filter()
    chunks = _WRITERS[query.format](load_export(session, viewer, wanted, now))
    first = next(chunks)  # an error before the first byte can still be answered as an error
    mark = codecs.BOM_UTF8 if query.format is Format.CSV and query.bom == "true" else b""
    begun = chain([mark + first], chunks)
    name = f"moe-portal-usage-{viewer.username}-{_period(wanted, viewer, now)}.{query.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(begun, media_type=_MEDIA_TYPES[query.format], headers=headers)


def as_csv(rows: Iterator[UsageRow]) -> Iterator[bytes]:
    """Yield rows as CSV in UTF-8 (source: RFC 4180), in pieces."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for batch in _batches(rows):
        table.writerows([_safe(value) for value in _values(row, eur_text)] for row in batch)
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


def as_json_lines(rows: Iterator[UsageRow]) -> Iterator[bytes]:
    """Yield rows as one JSON object a line, in pieces."""
    for batch in _batches(rows):
        yield b"".join(ExportItem.of(row).model_dump_json().encode() + b"\n" for row in batch)


def as_xlsx(rows: Iterator[UsageRow]) -> Iterator[bytes]:
    """Yield rows as an Excel workbook, in pieces; it is built in temporary files."""
    with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryFile() as file:
        _write_workbook(file, directory, rows)
        file.seek(0)
        while chunk := file.read(2**16):
            yield chunk


_WRITERS = {Format.CSV: as_csv, Format.XLSX: as_xlsx, Format.JSONL: as_json_lines}


def _write_workbook(file: IO[bytes], directory: str, rows: Iterator[UsageRow]) -> None:
    """Write rows to as many sheets as they need; `directory` is for temporary files."""
    from xlsxwriter import Workbook  # noqa: PLC0415  # takes 8 MB of memory, and few people export spreadsheets

    with Workbook(file, {"constant_memory": True, "tmpdir": directory, "use_zip64": True}) as book:
        instants, sheets = book.add_format({"num_format": "yyyy-mm-dd h:mm:ss"}), 0
        more: UsageRow | None = next(rows, None)
        while more is not None or not sheets:
            sheets += 1
            sheet = book.add_worksheet(f"Usage {sheets}" if sheets > 1 else "Usage")
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, COLUMNS)
            for number, row in enumerate(chain([more] if more else [], islice(rows, _SHEET_ROWS - 1)), 1):
                for column, value in enumerate(_values(row, eur)):
                    _write_cell(sheet, number, column, value, instants)
            more = next(rows, None)


def _values(row: UsageRow, as_eur: Callable[[int], str | Decimal]) -> list[Any]:
    """Return a request in the order of COLUMNS; a missing cost and missing counts are empty cells."""
    cost = None if row.cost_nano_eur is None else as_eur(row.cost_nano_eur)
    special: dict[str, Any] = {"api_key_label": row.key_label, "api_key_prefix": row.key_prefix, "cost_eur": cost}
    if row.without_counts:
        special |= dict.fromkeys(RAW_COUNTS)
    return [special[name] if name in special else getattr(row, name) for name in COLUMNS]


def _safe(value: Any) -> Any:
    """Return a value as a CSV cell: an instant with its offset, and no text that a spreadsheet would evaluate."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return f"{value:f}" if isinstance(value, Decimal) else value


def _write_cell(sheet: Any, row: int, column: int, value: Any, instants: Any) -> None:
    """Write a value to an XLSX cell: text is never a formula, and an instant is in UTC without a zone."""
    if isinstance(value, str):
        text = _NOT_XML.sub("\ufffd", value)
        if text.startswith("<r>") and text.endswith(
            "</r>"
        ):  # XlsxWriter reads such a text as XML, unless it is written in parts
            sheet.write_rich_string(row, column, text[0], text[1], text[2:])
        else:
            sheet.write_string(row, column, text)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, column, value.astimezone(UTC).replace(tzinfo=None), instants)
    elif value is not None:
        sheet.write_number(row, column, value)


def _batches(rows: Iterator[UsageRow]) -> Iterator[list[UsageRow]]:
    """Yield rows in batches; without rows, one empty batch."""
    batch = list(islice(rows, _BATCH))
    yield batch
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _period(wanted: UsageFilter, viewer: Viewer, now: datetime) -> str:
    """Return the days of an export for the name of its file."""
    if wanted.budget_from or wanted.budget_to:
        return "-to-".join(str(day) for day in (wanted.budget_from, wanted.budget_to) if day)
    days = wanted.days(now, viewer.zone)
    return f"{days.first}-to-{days.last}"
