"""Rows of files that other programs export: CSV, JSON and Parquet, each but the last also gzipped.

JSON is one object a line, an array, or objects one after the other on as many lines as they take. What an API answers
is its rows (see `gateways.pages`).

Decisions: what a file is, its first bytes say and not its name. It is read as a stream, so that memory does not grow
with it. A row that cannot be read is a `Flaw` in its place, so that the others can; and a file gives the same rows in
the same order each time, upon which going on after an interruption is built.
"""

import codecs
import csv
import gzip
import json
import re
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import IO, Any

from portal.errors import PortalError, how_to_install
from portal.imports.pages import rows_of
from portal.rules.strict_json import Flaw

Row = dict[str, Any]
Advance = Callable[[int], None]
"""Takes how much further the reading has come, in the units of `Table.total`."""

LONGEST_LINE = 2**24
"""Bytes of a line, and characters of a cell; logs may hold whole conversations."""
SAMPLE = 100
"""Rows that are looked at before anything else."""

_HEAD = 2**16
_CHUNK = 2**20
_TOLD_EVERY = 500
_BETWEEN = re.compile(r"[\s,]*")
_GZIP, _ZIP, _PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"PAR1"


class Unreadable(PortalError):
    """A file holds no rows that can be read, or breaks off; the sentence does not name it."""

    code = "unreadable"


class Kind(Enum):
    """What a file is."""

    CSV = "CSV"
    LINES = "JSON lines"
    ARRAY = "JSON"
    DOCUMENTS = "JSON documents"
    PARQUET = "Parquet"


@dataclass(frozen=True, slots=True)
class Table:
    """A file of rows: the columns it has, the first rows, and how long it is in bytes or (Parquet) rows."""

    path: Path
    kind: Kind
    columns: tuple[str, ...]
    sample: list[Row | Flaw]
    total: int


def open_table(path: Path) -> Table:
    """Return what a file is and begins with. Raises Unreadable, and OSError where it is not there."""
    kind = _kind(path)
    sample = list(islice(_rows(path, kind, None, lambda _: None), SAMPLE))
    if kind is Kind.PARQUET:
        names = list(_parquet(path).schema_arrow.names)
    elif kind is Kind.CSV:
        names = _csv_columns(path)
    else:
        names = list(dict.fromkeys(name for row in sample if isinstance(row, dict) for name in row))
    if not names:
        raise Unreadable("is no CSV and has no JSON objects.")
    if len(set(names)) < len(names):
        raise Unreadable("names two of its columns alike.")
    total = _parquet(path).metadata.num_rows if kind is Kind.PARQUET else path.stat().st_size
    return Table(path, kind, tuple(names), sample, total)


def read_rows(table: Table, columns: Collection[str] | None, advance: Advance) -> Iterator[Row | Flaw]:
    """Yield all rows of a table, of Parquet with those columns alone that are named.

    Raises Unreadable where a file breaks off in a way that leaves nothing to go on with.
    """
    return _rows(table.path, table.kind, columns, advance)


def _rows(path: Path, kind: Kind, columns: Collection[str] | None, advance: Advance) -> Iterator[Row | Flaw]:
    if kind is Kind.PARQUET:
        yield from _parquet_rows(path, columns, advance)
        return
    with _opened(path) as (text, raw):
        readers = {Kind.CSV: _csv_rows, Kind.LINES: _json_lines, Kind.ARRAY: _json_items}
        rows = readers.get(kind, _json_documents)(text)
        at = 0
        for number, row in enumerate(_unbroken(rows)):
            yield row
            if number % _TOLD_EVERY == 0:
                now_at = raw.tell()
                advance(now_at - at)
                at = now_at
        advance(raw.tell() - at)


def _kind(path: Path) -> Kind:
    """Return what a file is by its first bytes. Raises Unreadable and OSError."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise Unreadable("is no file.")
    with _opened(path) as (text, _):
        try:
            head = text.read(_HEAD)
        except (EOFError, OSError, zlib.error):
            raise Unreadable("is no proper gzip file.") from None
    if head.startswith(_PARQUET):
        return Kind.PARQUET
    if path.suffix.lower() == ".parquet":
        raise Unreadable("is called Parquet, but is not.")
    if head.startswith(_ZIP):
        raise Unreadable("is a spreadsheet or an archive. Save it as CSV.")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Unreadable("is not UTF-8. Save it as CSV in UTF-8.")
    if b"\0" in head:
        raise Unreadable("is no text. CSV, JSON lines and Parquet can be read.")
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if not start:
        raise Unreadable("is empty.")
    if start.startswith(b"{"):
        return Kind.DOCUMENTS if b"\n" in start and _goes_on(start.partition(b"\n")[0].rstrip()) else Kind.LINES
    return Kind.ARRAY if start.startswith(b"[") else Kind.CSV


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Give what a file says, and the file itself, whose position is told."""
    with path.open("rb") as raw:
        if raw.peek(2).startswith(_GZIP):
            with gzip.open(raw) as text:
                yield text, raw  # type: ignore[misc]  # a GzipFile reads as other files do
        else:
            yield raw, raw


def _unbroken(rows: Iterator[Row | Flaw]) -> Iterator[Row | Flaw]:
    try:
        yield from rows
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise Unreadable("breaks off: the gzip file is damaged or cut short.") from None


def _lines(text: IO[bytes]) -> Iterator[bytes]:
    """Yield lines without a byte order mark; what is beyond LONGEST_LINE of one is passed over."""
    line = text.readline(LONGEST_LINE).removeprefix(codecs.BOM_UTF8)
    while line:
        yield line
        while len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            line = text.readline(LONGEST_LINE)
        line = text.readline(LONGEST_LINE)


# CSV


def _csv_columns(path: Path) -> list[str]:
    with _opened(path) as (text, _):
        return next(_csv_lists(text))[1]


def _csv_rows(text: IO[bytes]) -> Iterator[Row | Flaw]:
    lists = _csv_lists(text)
    columns = next(lists)[1]
    for flaw, cells in lists:
        if flaw:
            yield flaw
        elif len(cells) == len(columns):
            yield dict(zip(columns, cells, strict=True))
        else:
            yield Flaw(f"The row does not have {len(columns)} cells, as the first line has.")


def _csv_lists(text: IO[bytes]) -> Iterator[tuple[Flaw | None, list[str]]]:
    """Yield the cells of each line, those with the names of the columns first. Raises Unreadable."""
    lines = _lines(text)
    head = next((line for line in lines if line.strip() and not line.lower().startswith(b"sep=")), b"")
    csv.field_size_limit(LONGEST_LINE)  # of the process; nothing else in it reads CSV
    try:
        delimiter = max(",;\t|", key=lambda mark: _number_of_cells(head.decode(), mark))
        columns = [name.strip() for name in _cells(head.decode(), delimiter)]
    except (UnicodeDecodeError, csv.Error):
        raise Unreadable("is no CSV in UTF-8.") from None
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
    """Return how many cells a line has with this delimiter; none where its quotes tell otherwise."""
    try:
        return len(_cells(line, delimiter))
    except csv.Error:
        return 0


# JSON


def _goes_on(line: bytes) -> bool:
    """Say whether an object that begins on this line ends on another one."""
    depth = sum((mark in b"{[") - (mark in b"}]") for mark in _STRINGS.sub(b"", line))
    return depth > 0 and not line.endswith(b"}")


def _json_lines(text: IO[bytes]) -> Iterator[Row | Flaw]:
    for line in _lines(text):
        if line.strip():
            try:
                value = json.loads(line.decode("utf-8", "surrogateescape"), parse_float=Decimal)
            except (ValueError, InvalidOperation, RecursionError):  # also a number of thousands of digits
                yield Flaw("This is no JSON, or it ends too early.")
            else:
                yield from rows_of(value)


def _json_items(text: IO[bytes]) -> Iterator[Row | Flaw]:
    """Yield the items of an array. Raises Unreadable at one that is no JSON: nobody knows where the next begins."""
    said = _Said(text)
    said.skip_to("[")
    while not said.is_at("]"):
        yield from rows_of(said.value())


def _json_documents(text: IO[bytes]) -> Iterator[Row | Flaw]:
    """Yield the rows of objects one after the other. Raises Unreadable at one that is no JSON."""
    said = _Said(text)
    while not said.is_at(""):
        yield from rows_of(said.value())


class _Said:
    """JSON values that stand one after the other, with white space and commas between them; read as they are needed."""

    def __init__(self, text: IO[bytes]) -> None:
        self._text = text
        self._decoder = json.JSONDecoder(parse_float=Decimal)
        self._codec = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
        self._said, self._at = self._codec.decode(text.read(_CHUNK)), 0

    def skip_to(self, mark: str) -> None:
        """Go behind a mark that is known to be there."""
        self._at = self._said.index(mark) + 1

    def is_at(self, mark: str) -> bool:
        """Say whether a mark comes next; "" is the end."""
        found = _BETWEEN.match(self._said, self._at)
        self._at = found.end() if found else self._at
        is_end = self._at == len(self._said)
        if is_end and self._read():
            return self.is_at(mark)
        return is_end if not mark else self._said.startswith(mark, self._at)

    def value(self) -> Any:
        """Return the next value. Raises Unreadable."""
        while True:
            try:
                value, self._at = self._decoder.raw_decode(self._said, self._at)
            except (ValueError, InvalidOperation, RecursionError):  # most often, the rest of it is not read yet
                if len(self._said) - self._at > LONGEST_LINE or not self._read():
                    raise Unreadable("breaks off: the JSON is damaged or cut short.") from None
            else:
                return value

    def _read(self) -> bool:
        chunk = self._text.read(_CHUNK)
        self._said, self._at = self._said[self._at :] + self._codec.decode(chunk, final=not chunk), 0
        return bool(chunk)


_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"?')


# Parquet


def _arrow() -> Any:
    """Return the package that reads Parquet. Raises Unreadable where it is missing."""
    try:
        import pyarrow.parquet  # type: ignore[import-untyped]  # noqa: PLC0415  # large, and an extra
    except ImportError:
        raise Unreadable(f"is Parquet, and the package that reads it is missing. {how_to_install('parquet')}") from None
    return pyarrow


def _parquet(path: Path) -> Any:
    """Return a Parquet file, opened. Raises Unreadable."""
    arrow = _arrow()
    try:
        return arrow.parquet.ParquetFile(path)
    except (arrow.ArrowException, OSError):
        raise Unreadable("is Parquet, but damaged or cut short.") from None


def _parquet_rows(path: Path, columns: Collection[str] | None, advance: Advance) -> Iterator[Row]:
    arrow = _arrow()
    names = set(_parquet(path).schema_arrow.names)
    has_paths = any("." in name for name in names)  # a dot would mean a part of a column
    wanted = None if columns is None or has_paths else [name for name in columns if name in names]
    try:
        for batch in _parquet(path).iter_batches(_TOLD_EVERY, columns=wanted, use_threads=False):
            yield from _to_microseconds(arrow, batch).to_pylist(maps_as_pydicts="lossy")
            advance(batch.num_rows)
    except (arrow.ArrowException, OSError, UnicodeDecodeError):
        raise Unreadable("breaks off: the Parquet file is damaged.") from None


def _to_microseconds(arrow: Any, batch: Any) -> Any:
    """Return rows with nanoseconds cut off, which Python's instants do not have."""
    for place, field in enumerate(batch.schema):
        if arrow.types.is_timestamp(field.type) and field.type.unit == "ns":
            micros = arrow.timestamp("us", field.type.tz)
            batch = batch.set_column(place, field.with_type(micros), batch.column(place).cast(micros, safe=False))
    return batch
