"""Which column of a file says what about a request, and reports made of its rows.

Decision: what is guessed can be overruled column by column, and is shown before anything is stored. A file without an
id column gets ids of its own: the SHA-256 of what the whole row says and, where equal rows came before it, which of
them it is. So two equal rows of a file are two requests, and the same file, or one that overlaps with it, brings none
twice.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from pydantic import ValidationError

from portal.errors import InvalidInput
from portal.gateways import cells
from portal.gateways.exports import Format, Said, plain, recognise
from portal.gateways.files import Row
from portal.gateways.native import Event
from portal.gateways.values import Unclear
from portal.rules.secrets import digest, key_prefix
from portal.rules.strict_json import Flaw
from portal.rules.text import clip_line
from portal.rules.usage import LONGEST_ID, Rejected, UsageReport
from portal.rules.validation import first_problem

OWNERS = ("api_key_hash", "api_key", "username")
"""Fields that say whose a request is; the first one that a row says counts."""
FIELDS = (*Event.model_fields, "provider_model")
FIXED = tuple(name for name in FIELDS if name not in {"id", "api_key", "api_key_hash", "requested_at"})
"""Fields that may be the same for all rows of a file."""

_NEEDED = ("model", "prompt_tokens", "completion_tokens", "requested_at")


@dataclass(frozen=True, slots=True)
class Skipped:
    """Stands where a row is about something else than usage."""

    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How a file is read: `columns` by field, what is `fixed`, and the zone of instants without an offset.

    Requests from `before` on are skipped.
    """

    format: Format
    columns: Mapping[str, str]
    fixed: Mapping[str, str]
    zone: tzinfo | None
    before: datetime | None

    @property
    def needs(self) -> set[str] | None:
        """The columns that are needed; None is all of them."""
        return set(self.columns.values()) if "id" in self.columns else None

    def digest(self) -> str:
        """Return what tells this way of reading from others, in 16 characters."""
        said = [self.format.name, dict(self.columns), dict(self.fixed), str(self.zone), str(self.before)]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def plan(
    columns: Sequence[str],
    chosen: Mapping[str, str],
    fixed: Mapping[str, str],
    zone: tzinfo | None = None,
    before: datetime | None = None,
) -> Plan:
    """Return how a file with these columns is read; `chosen` names the column of a field, or "" for none.

    Raises InvalidInput for what is not known, and for what is missing.
    """
    known = recognise(columns)
    _check(columns, known, chosen, fixed)
    found = _guess(columns, known)
    if set(OWNERS) & (chosen.keys() | fixed.keys()):
        found = {field: column for field, column in found.items() if field not in OWNERS}
    found = {field: column for field, column in {**found, **chosen}.items() if column and field not in fixed}
    _check_needed(columns, found.keys() | fixed.keys())
    return Plan(known, found, fixed, zone or known.zone, before)


def read_reports(rows: Iterable[Row | Flaw], how: Plan, mode: str) -> Iterator[UsageReport | Rejected | Skipped]:
    """Yield what each row reports; `mode` is that of rows that name none."""
    with closing(_Ids()) as ids:
        for row in rows:
            if isinstance(row, Flaw):
                yield Rejected(None, row.reason)
                continue
            own_id = None if "id" in how.columns else ids.next(row)
            try:
                yield _report(row, how, mode, own_id)
            except Unclear as unclear:
                yield Rejected(own_id, str(unclear))


def examples(row: Row, how: Plan) -> list[tuple[str, str, str]]:
    """Return each field with its column and what a row says there, without keys."""
    shown = [(field, column, _example(field, row.get(column))) for field, column in how.columns.items()]
    return [*shown, *((field, "(all rows)", value) for field, value in how.fixed.items())]


def _guess(columns: Sequence[str], known: Format) -> dict[str, str]:
    by_name = {plain(column): column for column in reversed(columns)}
    found = {field: next((by_name[n] for n in names if n in by_name), "") for field, names in known.fields.items()}
    return {field: column for field, column in found.items() if column}


def _check(columns: Sequence[str], known: Format, chosen: Mapping[str, str], fixed: Mapping[str, str]) -> None:
    for field, column in chosen.items():
        if field not in FIELDS and field not in known.fields:
            raise InvalidInput(f"There is no field called {field}. The fields are {', '.join(FIELDS)}.")
        if column and column not in columns:
            raise InvalidInput(f"There is no column called {column}. The columns are {_listed(columns)}.")
    for field in fixed:
        if field not in FIXED:
            raise InvalidInput(f"{field} cannot be the same for all rows. These can: {', '.join(FIXED)}.")


def _check_needed(columns: Sequence[str], said: set[str]) -> None:
    missing = [field for field in _NEEDED if field not in said and not (field == "model" and "provider_model" in said)]
    if not said & set(OWNERS):
        missing.append(f"whose a request is ({', '.join(OWNERS)})")
    if missing:
        raise InvalidInput(
            f"No column is known to say {', '.join(missing)}. Name one with --map FIELD=COLUMN, or say it of all rows "
            f"with --set FIELD=VALUE. The columns are {_listed(columns)}."
        )


def _listed(columns: Sequence[str]) -> str:
    shown = [column[:40] for column in columns[:40]]
    return ", ".join(shown if len(columns) <= 40 else [*shown, "…"])


def _report(row: Row, how: Plan, mode: str, own_id: str | None) -> UsageReport | Rejected | Skipped:
    """Return what a row reports. Raises Unclear."""
    said: Said = {field: row[column] for field, column in how.columns.items() if cells.is_said(row.get(column))}
    said.update(how.fixed)
    if skipped := how.format.refine(said):
        return Skipped(skipped)
    at = cells.instant(said.pop("requested_at", ""), "requested_at", how.zone)
    if how.before is not None and at >= how.before:
        return Skipped("requested at the time of --before or later")
    external_id = own_id or _id(said)
    provider_model = said.pop("provider_model", "")
    event = {"mode": mode, **_owner(said), **{field: _READ[field](value, field) for field, value in said.items()}}
    try:
        report = Event.model_validate({**event, "id": external_id, "requested_at": at.isoformat()}).report()
    except ValidationError as error:
        sentence, _ = first_problem(error.errors(include_url=False, include_input=False))
        return Rejected(external_id, sentence)
    served = clip_line(provider_model, 200)
    return replace(report, provider_model=served) if served else report


def _owner(said: Said) -> dict[str, str]:
    """Take out of what is said whose the request is, and return it. Raises Unclear."""
    claims = [(name, said.pop(name)) for name in OWNERS if name in said]
    if not claims:
        raise Unclear("It is not said whose the request is.")
    name, value = claims[0]
    return {"api_key_hash": cells.key_hash(value)} if name == "api_key" else {name: cells.text(value, name).strip()}


def _id(said: Said) -> str:
    """Return the id of a row; a digest of one that is longer than ids are. Raises Unclear."""
    if "id" not in said:
        raise Unclear("id is missing.")
    text = cells.text(said.pop("id"), "id")
    return text if len(text) <= LONGEST_ID else f"sha256:{digest(text)}"


def _example(field: str, value: object) -> str:
    if not cells.is_said(value):
        return ""
    text = json.dumps(value, default=str) if isinstance(value, (dict, list)) else str(value)
    if field in {"api_key", "api_key_hash"}:
        return f"{key_prefix(text)}…"
    return clip_line(text, 40)


class _Ids:
    """Gives rows the ids that their file does not have; how often each was seen is kept in a temporary file."""

    def __init__(self) -> None:
        # no name: on the disk, and gone when it is closed, which may be on the thread that collects garbage
        self._seen = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._seen.execute("PRAGMA cache_size = -32000")  # KiB
        self._seen.execute("CREATE TABLE seen (mark BLOB PRIMARY KEY, times INTEGER) WITHOUT ROWID")
        self._seen.execute("BEGIN")

    def next(self, row: Row) -> str:
        """Return the id of a row, which it has again when the file is read again."""
        mark = hashlib.sha256(json.dumps(row, sort_keys=True, default=str).encode())
        (times,) = self._seen.execute(
            "INSERT INTO seen VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1 RETURNING times",
            (mark.digest(),),
        ).fetchone()
        return f"sha256:{mark.hexdigest()}" + (f"/{times}" if times > 1 else "")

    def close(self) -> None:
        """Remove the temporary file."""
        self._seen.close()


_COUNTED = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")
_READ: dict[str, Callable[[object, str], object]] = {
    **dict.fromkeys(("model", "mode", "template", "session_id"), cells.text),
    **dict.fromkeys(_COUNTED, cells.count),
    "status": cells.status,
    "latency_ms": cells.milliseconds,
    "cost_factor": cells.factor,
}
