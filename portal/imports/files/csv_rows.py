"""Rows of CSV, with any of four delimiters."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from portal.imports.files.content import LONGEST_LINE, Row, UnreadableFile, content_lines, open_content
from portal.rules.strict_json import Flaw


def csv_columns(path: Path) -> list[str]:
    """Return the names of the columns in the first line. Raises UnreadableFile."""
    with open_content(path) as (text, _):
        return next(_lists(text))[1]


def csv_rows(text: IO[bytes]) -> Iterator[Row | Flaw]:
    """Yield the rows after the first line. Raises UnreadableFile."""
    lists = _lists(text)
    columns = next(lists)[1]
    for flaw, cells in lists:
        if flaw:
            yield flaw
        elif len(cells) == len(columns):
            yield dict(zip(columns, cells, strict=True))
        else:
            yield Flaw(f"The row does not have {len(columns)} cells, as the first line has.")


def _lists(text: IO[bytes]) -> Iterator[tuple[Flaw | None, list[str]]]:
    """Yield the names of the columns, then the cells of each line or a flaw. Raises UnreadableFile."""
    lines = content_lines(text)
    head = next((line for line in lines if line.strip() and not line.lower().startswith(b"sep=")), b"")
    csv.field_size_limit(LONGEST_LINE)  # of the process; nothing else in it reads CSV
    try:
        delimiter = max(",;\t|", key=lambda mark: _number_of_cells(head.decode(), mark))
        columns = [name.strip() for name in _cells(head.decode(), delimiter)]
    except (UnicodeDecodeError, csv.Error):
        raise UnreadableFile("is no CSV in UTF-8.") from None
    yield None, columns
    reader = csv.reader((line.decode("utf-8", "surrogateescape") for line in lines), delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield Flaw("The quotes of the row do not match, or it ends too early."), []
            continue
        if cells:
            yield None, cells


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter, strict=True))


def _number_of_cells(line: str, delimiter: str) -> int:
    """Return the number of cells of a line with this delimiter; 0 if its quotes are invalid then."""
    try:
        return len(_cells(line, delimiter))
    except csv.Error:
        return 0
