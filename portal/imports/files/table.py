"""Files as tables: their kind, their columns, and their rows."""

import codecs
import gzip
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from pathlib import Path

from portal.imports.files.content import PROGRESS_EVERY, Advance, Row, UnreadableFile, open_content
from portal.imports.files.csv_rows import csv_columns, csv_rows
from portal.imports.files.json_rows import has_open_object, json_array_rows, json_document_rows, json_line_rows
from portal.imports.files.parquet_rows import open_parquet, parquet_rows
from portal.rules.strict_json import Flaw

SAMPLE = 100
"""Rows of `FileTable.sample`."""

_HEAD = 2**16
_ZIP, _PARQUET = b"PK\x03\x04", b"PAR1"


class FileKind(Enum):
    """The kinds of files that can be read."""

    CSV = "CSV"
    LINES = "JSON lines"
    ARRAY = "JSON"
    DOCUMENTS = "JSON documents"
    PARQUET = "Parquet"


@dataclass(frozen=True, slots=True)
class FileTable:
    """A file of rows: its columns, its first rows, and its total size in bytes, or in rows for Parquet."""

    path: Path
    kind: FileKind
    columns: tuple[str, ...]
    sample: list[Row | Flaw]
    total: int


def open_table(path: Path) -> FileTable:
    """Return a file as a table. Raises UnreadableFile, and OSError for a missing file."""
    kind = _kind(path)
    sample = list(islice(_rows(path, kind, None, lambda _: None), SAMPLE))
    if kind is FileKind.PARQUET:
        names = list(open_parquet(path).schema_arrow.names)
    elif kind is FileKind.CSV:
        names = csv_columns(path)
    else:
        names = list(dict.fromkeys(name for row in sample if isinstance(row, dict) for name in row))
    if not names:
        raise UnreadableFile("is no CSV and has no JSON objects.")
    if len(set(names)) < len(names):
        raise UnreadableFile("has two columns with one name.")
    total = open_parquet(path).metadata.num_rows if kind is FileKind.PARQUET else path.stat().st_size
    return FileTable(path, kind, tuple(names), sample, total)


def read_rows(table: FileTable, columns: Collection[str] | None, advance: Advance) -> Iterator[Row | Flaw]:
    """Yield all rows of a table; rows of Parquet have only the named columns.

    Raises UnreadableFile if the file ends too early or the next row cannot be found.
    """
    return _rows(table.path, table.kind, columns, advance)


def _rows(path: Path, kind: FileKind, columns: Collection[str] | None, advance: Advance) -> Iterator[Row | Flaw]:
    if kind is FileKind.PARQUET:
        yield from parquet_rows(path, columns, advance)
        return
    with open_content(path) as (text, raw):
        readers = {FileKind.CSV: csv_rows, FileKind.LINES: json_line_rows, FileKind.ARRAY: json_array_rows}
        rows = readers.get(kind, json_document_rows)(text)
        at = 0
        for number, row in enumerate(_unbroken(rows)):
            yield row
            if number % PROGRESS_EVERY == 0:
                now_at = raw.tell()
                advance(now_at - at)
                at = now_at
        advance(raw.tell() - at)


def _kind(path: Path) -> FileKind:
    """Return the kind of a file by its first bytes. Raises UnreadableFile and OSError."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise UnreadableFile("is no file.")
    with open_content(path) as (text, _):
        try:
            head = text.read(_HEAD)
        except (EOFError, OSError, zlib.error):
            raise UnreadableFile("is no proper gzip file.") from None
    if head.startswith(_PARQUET):
        return FileKind.PARQUET
    if path.suffix.lower() == ".parquet":
        raise UnreadableFile("is called Parquet, but is not.")
    if head.startswith(_ZIP):
        raise UnreadableFile("is a spreadsheet or an archive. Save it as CSV.")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UnreadableFile("is not UTF-8. Save it as CSV in UTF-8.")
    if b"\0" in head:
        raise UnreadableFile("is no text. CSV, JSON lines and Parquet can be read.")
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if not start:
        raise UnreadableFile("is empty.")
    if start.startswith(b"{"):
        return (
            FileKind.DOCUMENTS
            if b"\n" in start and has_open_object(start.partition(b"\n")[0].rstrip())
            else FileKind.LINES
        )
    return FileKind.ARRAY if start.startswith(b"[") else FileKind.CSV


def _unbroken(rows: Iterator[Row | Flaw]) -> Iterator[Row | Flaw]:
    try:
        yield from rows
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise UnreadableFile("breaks off: the gzip file is damaged or cut short.") from None
