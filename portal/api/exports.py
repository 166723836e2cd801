"""Exports of filtered lists as files for spreadsheets (`portal.exports.tables`), in constant memory.

Decisions: the rows come from one snapshot of the database, which is closed when the last byte is sent or the client
disconnects. Only a few exports run at once, since each holds a connection until its client has read everything. CSV
begins with a byte order mark, without which Excel reads UTF-8 as the system's old code page; `bom=false` leaves it out.
"""

import codecs
import threading
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from itertools import chain
from typing import Annotated, Any, Literal

from fastapi import Depends
from pydantic import Field
from sqlalchemy.orm import Session
from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse

from portal.db.sql.session import open_snapshot
from portal.errors import Unavailable
from portal.exports.tables import as_csv, as_xlsx

AT_ONCE = 4
AT_ONCE_EACH = 2
"""Exports of one account, so that a slow client does not block other accounts."""
_slots = threading.BoundedSemaphore(AT_ONCE)
_running: Counter[int] = Counter()
_counting = threading.Lock()

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
    "pdf": "application/pdf",
}


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


def file_response(name: str, kind: str, chunks: Generator[bytes], *, bom: str = "true") -> StreamingResponse:
    """Return a file that is downloaded as `name`; an error before its first byte is raised here."""
    first = next(chunks)
    mark = codecs.BOM_UTF8 if kind == Format.CSV and bom == "true" else b""
    return download(f"{name}.{kind}", MEDIA_TYPES[kind], chunks, mark + first)


def download(name: str, media_type: str, chunks: Generator[bytes], first: bytes = b"") -> StreamingResponse:
    """Return a file that is made while it is sent: `first`, then `chunks`; a caller who has gone ends it too."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    pieces = chain([first] if first else [], chunks)
    return StreamingResponse(pieces, media_type=media_type, headers=headers, background=BackgroundTask(chunks.close))


def table_chunks(kind: str, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Generator[bytes]:
    """Yield a table as CSV or as an Excel workbook in which `title` names the sheets."""
    return as_xlsx(title, columns, iter(rows)) if kind == Format.XLSX else as_csv(columns, iter(rows))
