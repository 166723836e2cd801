"""Tables as files for spreadsheets, row by row.

Decision: text that a spreadsheet would read as a formula is marked as text. A row is a sequence of cells: text, whole
numbers, Decimal, `Euros`, aware datetimes, dates, True or False; None is an empty cell.
"""

import csv
import io
import re
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import chain, islice
from typing import IO, Any, TypeVar

from portal.rules.spending.pricing import eur, eur_text
from portal.rules.spreadsheets import without_formula

Row = TypeVar("Row")

_BATCH = 500
_SHEET_ROWS = 2**20 - 1  # an XLSX sheet has 2²⁰ rows; the first one has the names of the columns
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Euros:
    """A cell with an amount of money in nano-euros: exact EUR, as text in CSV and as a number in XLSX."""

    nano: int


def as_csv(columns: Sequence[str], rows: Iterator[Sequence[Any]]) -> Generator[bytes]:
    """Yield rows as CSV in UTF-8 (source: RFC 4180), in pieces."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(columns)
    for batch in batches(rows):
        table.writerows(map(_safe, row) for row in batch)
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()


def as_xlsx(title: str, columns: Sequence[str], rows: Iterator[Sequence[Any]]) -> Generator[bytes]:
    """Yield rows as an Excel workbook, in pieces; it is built in temporary files."""
    with tempfile.TemporaryFile() as file:
        with tempfile.TemporaryDirectory() as directory:
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
        case str():
            return without_formula(value)
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
