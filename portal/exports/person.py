"""The file with everything that the portal holds of one person: a ZIP with JSON and CSV, and a text that explains it.

JSON has an array with one object a line. CSV is UTF-8 with a byte order mark, without which Excel reads it as the
system's old code page. Both have the columns of the tables: tokens as they are, money in billionths of a euro, rates as
exact decimals, instants in UTC.
"""

import codecs
import io
import json
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from sqlalchemy.orm import Session

from portal.db.people.accounts import account
from portal.db.people.export import HELD, HELD_ABOUT, PARTS, Row, held_rows, rows_of
from portal.db.tables import Account
from portal.errors import NotFound
from portal.exports.tables import as_csv, batches
from portal.words import _, say, speaking


class _Pipe(io.RawIOBase):
    """A file that can only be written; what was written is taken out piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]  # a buffer
        self._pieces.append(piece)
        return len(piece)

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def person_archive(session: Session, account_id: int, language: str, now: datetime) -> Generator[bytes]:
    """Yield the ZIP about the person of an account, in pieces, from one snapshot; the README is in `language`.

    Raises NotFound before the first piece.
    """
    own = account(session, account_id)
    if own is None:
        raise NotFound
    return _pieces(session, own, language, now)


def _pieces(session: Session, own: Account, language: str, now: datetime) -> Generator[bytes]:
    pipe = _Pipe()
    with ZipFile(pipe, "w", ZIP_DEFLATED) as archive:
        for name, pieces in _files(session, own, language, now):
            entry = ZipInfo(name, now.astimezone(UTC).timetuple()[:6])
            entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o600 << 16
            with archive.open(entry, "w", force_zip64=True) as file:
                for piece in pieces:
                    file.write(piece)
                    if taken := pipe.take():
                        yield taken
        yield pipe.take()
    yield pipe.take()


def _files(session: Session, own: Account, language: str, now: datetime) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Yield the name of each file with its pieces."""
    with speaking(language):
        readme = _readme(own, now)
    yield "README.txt", [readme.encode()]
    for part in PARTS:
        columns, rows = rows_of(session, own, part)
        yield f"{part.name}.csv", _csv(columns, rows)
        _names, rows = rows_of(session, own, part)
        yield f"{part.name}.json", _json(rows)
    yield f"{HELD}.csv", _csv(("id", "report"), held_rows(session, own))
    yield f"{HELD}.json", _json(held_rows(session, own))


def _readme(own: Account, now: datetime) -> str:
    lines = [
        _("Everything that MoE Portal holds of {name}", name=f"{own.display_name} ({own.username})"),
        f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        "",
        _("Each kind of data is there twice: as .csv for spreadsheets, as .json for programs."),
        _("Times are UTC. Amounts named nano_eur are billionths of a euro. Secrets are left out."),
        "",
    ]
    lines += [f"{part.name}: {say(part.about)}" for part in PARTS]
    return "\r\n".join([*lines, f"{HELD}: {say(HELD_ABOUT)}", ""])


def _csv(columns: Sequence[str], rows: Iterator[Row]) -> Iterator[bytes]:
    yield codecs.BOM_UTF8
    yield from as_csv(columns, ([_cell(row[name]) for name in columns] for row in rows))


def _json(rows: Iterator[Row]) -> Iterator[bytes]:
    before = "[\n"
    for batch in filter(None, batches(rows)):
        yield (before + ",\n".join(json.dumps(row, default=_plain, ensure_ascii=False) for row in batch)).encode()
        before = ",\n"
    yield b"[]\n" if before == "[\n" else b"\n]\n"


def _cell(value: object) -> object:
    """Return a value as a cell of CSV."""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number or value is None else _plain(value)


def _plain(value: object) -> str:
    """Return an instant in UTC, a day, or an exact decimal as text."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case _:
            return str(value)
