"""Exports of filtered lists as files for spreadsheets, row by row, in constant memory.

Decisions: the rows come from one snapshot of the database, which is closed when the last byte is sent or the client
disconnects. Only a few exports run at once, since each holds a connection until its client has read everything.
Text that a spreadsheet would read as a formula is marked as text (source: OWASP, CSV injection). CSV begins with a
byte order mark, without which Excel reads UTF-8 as the system's old code page; `bom=false` leaves it out.

A row is a sequence of cells: text, whole numbers, Decimal, `Euros`, aware datetimes, dates, True or False; None is an
empty cell.
"""

import codecs
import csv
import io
import re
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import chain, islice
from typing import IO, Annotated, Any, Literal, TypeVar

from fastapi import Depends
from pydantic import Field
from sqlalchemy.orm import Session
from starlette.responses import StreamingResponse

from portal.db.sql.session import open_snapshot
from portal.errors import Unavailable
from portal.rules.spending.pricing import eur, eur_text

Row = TypeVar("Row")

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

Streaming = Annotated[Session, Depends(open_snapshot)]
"""The snapshot of an export, closed after the last byte, not before the first."""
WithMark = Annotated[Literal["true", "false"], Field(description="CSV: begin with a byte order mark, for Excel")]


class Format(StrEnum):
    """Format of the file."""

    CSV = "csv"
    XLSX = "xlsx"
    JSONL = "jsonl"


class TableFormat(StrEnum):
    """Format of the file of a list of administration."""

    CSV = "csv"
    XLSX = "xlsx"


MEDIA_TYPES: dict[str, str] = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.JSONL: "application/x-ndjson",
}


@dataclass(frozen=True, slots=True)
class Euros:
    """A cell with an amount of money in nano-euros: exact EUR, as text in CSV and as a number in XLSX."""

    nano: int


@contextmanager
def export_slot(account_id: int) -> Iterator[None]:
    """Count a running export. Raises Unavailable if too many run, of the account or of all accounts."""
    with _counting:
        if _running[account_id] >= AT_ONCE_EACH or not _slots.acquire(blocking=False):
            raise Unavailable("Other exports are still running. Try again in a moment.")
        _running[account_id] += 1
    try:
        yield
    finally:
        with _counting:
            _running[account_id] -= 1
            if not _running[account_id]:
                del _running[account_id]
            _slots.release()


def file_answers(columns: Sequence[str], formats: type[StrEnum]) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of an answer that is a file."""
    return {
        200: {
            "description": f"The file. Columns of CSV and XLSX: {', '.join(columns)}.",
            "content": {MEDIA_TYPES[kind].partition(";")[0]: {} for kind in formats},
        }
    }


def file_response(name: str, kind: str, chunks: Iterator[bytes], *, bom: str = "true") -> StreamingResponse:
    """Return a file that is downloaded as `name`; an error before its first byte is raised here."""
    first = next(chunks)
    mark = codecs.BOM_UTF8 if kind == Format.CSV and bom == "true" else b""
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    return StreamingResponse(chain([mark + first], chunks), media_type=MEDIA_TYPES[kind], headers=headers)


def table_chunks(kind: str, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Yield a table as CSV or as an Excel workbook in which `title` names the sheets."""
    return as_xlsx(title, columns, iter(rows)) if kind == Format.XLSX else as_csv(columns, iter(rows))


def as_csv(columns: Sequence[str], rows: Iterator[Sequence[Any]]) -> Iterator[bytes]:
    """Yield rows as CSV in UTF-8 (source: RFC 4180), in pieces."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(columns)
    for batch in batches(rows):
        table.writerows(map(_safe, row) for row in batch)
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


def as_xlsx(title: str, columns: Sequence[str], rows: Iterator[Sequence[Any]]) -> Iterator[bytes]:
    """Yield rows as an Excel workbook, in pieces; it is built in temporary files."""
    with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryFile() as file:
        _write_workbook(file, directory, title, columns, rows)
        file.seek(0)
        while chunk := file.read(2**16):
            yield chunk


def batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Yield rows in batches; without rows, one empty batch."""
    batch = list(islice(rows, _BATCH))
    yield batch
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _write_workbook(
    file: IO[bytes], directory: str, title: str, columns: Sequence[str], rows: Iterator[Sequence[Any]]
) -> None:
    """Write rows to as many sheets as they need; `directory` is for temporary files."""
    from xlsxwriter import Workbook  # noqa: PLC0415  # takes 8 MB of memory, and few people export spreadsheets

    with Workbook(file, {"constant_memory": True, "tmpdir": directory, "use_zip64": True}) as book:
        formats = {
            datetime: book.add_format({"num_format": "yyyy-mm-dd h:mm:ss"}),
            date: book.add_format({"num_format": "yyyy-mm-dd"}),
        }
        sheets = 0
        more: Sequence[Any] | None = next(rows, None)
        while more is not None or not sheets:
            sheets += 1
            sheet = book.add_worksheet(f"{title} {sheets}" if sheets > 1 else title)
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, columns)
            for number, row in enumerate(chain([more] if more else [], islice(rows, _SHEET_ROWS - 1)), 1):
                for column, value in enumerate(row):
                    _write_cell(sheet, number, column, value, formats)
            more = next(rows, None)


def _safe(value: Any) -> Any:
    """Return a value as a CSV cell: an instant with its offset, and no text that a spreadsheet would evaluate."""
    match value:
        case datetime() | date():
            return value.isoformat()
        case str() if value.startswith(_FORMULA_STARTS):
            return f"'{value}"
        case Decimal():
            return f"{value:f}"
        case Euros():
            return eur_text(value.nano)
        case bool():
            return "true" if value else "false"
    return value


def _write_cell(sheet: Any, row: int, column: int, value: Any, formats: Mapping[Any, Any]) -> None:
    """Write a value to an XLSX cell: text is never a formula, and an instant is in UTC without a zone."""
    match value:
        case None:
            return
        case str():
            _write_text(sheet, row, column, _NOT_XML.sub("\ufffd", value))
        case bool():
            sheet.write_boolean(row, column, value)
        case datetime():
            sheet.write_datetime(row, column, value.astimezone(UTC).replace(tzinfo=None), formats[datetime])
        case date():
            sheet.write_datetime(row, column, value, formats[date])
        case Euros():
            sheet.write_number(row, column, eur(value.nano))
        case _:
            sheet.write_number(row, column, value)


def _write_text(sheet: Any, row: int, column: int, text: str) -> None:
    if text.startswith("<r>") and text.endswith("</r>"):  # XlsxWriter reads it as XML, unless it is written in parts
        sheet.write_rich_string(row, column, text[0], text[1], text[2:])
    else:
        sheet.write_string(row, column, text)
