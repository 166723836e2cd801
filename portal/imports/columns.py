"""Which column of a file says what about a request, and reports made of its rows.

Decision: what is guessed can be overruled column by column, and is shown before anything is stored. A file without an
id column gets ids of its own: the SHA-256 of what the whole row says and, where equal rows came before it, which of
them it is. So two equal rows of a file are two requests, and the same file, or one that overlaps with it, brings none
twice. The numbers of a sum that goes on are left out of its id, so that a later export of it contradicts the first one.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from pydantic import ValidationError

from portal.errors import InvalidInput
from portal.gateways.count_names import WRITTEN_FOR, Part, part_named, plain_name
from portal.gateways.counts import read_counts
from portal.gateways.lenient_values import Unclear
from portal.gateways.litellm import names_of
from portal.gateways.native import Event
from portal.imports import cells, nested
from portal.imports.exports import recognise
from portal.imports.files import Row
from portal.imports.formats import COUNTED, Format, Said, plain, without_counts
from portal.imports.notations import UNKNOWN, Notation, numbers_in
from portal.rules.secrets import digest, key_prefix
from portal.rules.strict_json import Flaw
from portal.rules.text import clip_line
from portal.rules.usage import LONGEST_ID, Rejected, Replay, UsageReport
from portal.rules.validation import first_problem

OWNERS = ("api_key_hash", "api_key", "username")
"""Fields that say whose a request is; the first one that a row says counts."""
FIELDS = (*Event.model_fields, "provider_model")
FIXED = tuple(name for name in FIELDS if name not in {"id", "api_key", "api_key_hash", "requested_at"})
"""Fields that may be the same for all rows of a file."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Stands where a row is about something else than usage."""

    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How a file is read: the columns of each field, those of each count by its name, and what is `fixed`.

    The counts in several columns of one name are added. `decided` are the counts that a person has mapped or fixed.
    Cells are written in `notation`, instants without an offset stand in `zone`; requests from `before` on are skipped.
    `beside` says whether caches are counted beside the prompt; None leaves it to each row.
    """

    format: Format
    columns: Mapping[str, tuple[str, ...]]
    counts: Mapping[str, tuple[str, ...]]
    fixed: Mapping[str, str]
    decided: frozenset[str] = frozenset()
    notation: Notation = UNKNOWN
    zone: tzinfo | None = None
    before: datetime | None = None
    beside: bool | None = None

    @property
    def mapped(self) -> set[str]:
        """The columns that are read."""
        return {column for columns in (*self.columns.values(), *self.counts.values()) for column in columns}

    @property
    def needs(self) -> set[str] | None:
        """The columns of a table that are needed; None is all of them."""
        return {name.partition(".")[0] for name in self.mapped} | self.mapped if "id" in self.columns else None

    @property
    def has_caches(self) -> bool:
        """Whether tokens that were read from or written to a cache are counted."""
        return any(part_named(name) in {Part.CACHED, Part.WRITTEN} for name in self.counts)

    def digest(self) -> str:
        """Return what tells this way of reading from others, in 16 characters."""
        read = [self.format.name, dict(self.columns), dict(self.counts), dict(self.fixed)]
        said = [*read, str(self.notation), str(self.zone), str(self.before), self.beside]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def plan(
    columns: Sequence[str],
    chosen: Mapping[str, str],
    fixed: Mapping[str, str],
    zone: tzinfo | None = None,
    before: datetime | None = None,
    *,
    texts: Collection[str] = (),
) -> Plan:
    """Return how a file with these columns is read, of which `texts` cannot be counts.

    `chosen` names the column of a field, for counts also several to be added (`a+b`), or "" for none. Raises
    InvalidInput for what is not known, and for what is missing.
    """
    known = recognise(columns)
    picked = {field: _picked(columns, field, said) for field, said in chosen.items()}
    _check(known, chosen, fixed)
    found = _guess(columns, known)
    if set(OWNERS) & (chosen.keys() | fixed.keys()):
        found = {field: column for field, column in found.items() if field not in OWNERS}
    decided = frozenset(COUNTED) & (chosen.keys() | fixed.keys())
    counts = {} if not known.counts else _guess_counts([c for c in columns if c not in texts], known, decided)
    found = {field: names for field, names in {**found, **picked}.items() if names and field not in fixed}
    if known.counts:
        counts |= {field: found.pop(field) for field in COUNTED if field in found}
    how = Plan(known, found, counts, fixed, decided, UNKNOWN, zone or known.zone, before, known.beside)
    _check_needed(columns, how, texts)
    return replace(how, beside=False) if "prompt_tokens" in decided else how


def read_reports(
    rows: Iterable[Row | Flaw], how: Plan, mode: str
) -> Iterator[UsageReport | Rejected | Skipped | Replay]:
    """Yield what each row reports; `mode` is that of rows that name none."""
    with closing(_Ids()) as ids:
        for row in rows:
            if isinstance(row, Flaw):
                yield Rejected(None, row.reason)
                continue
            own_id = None if "id" in how.columns else ids.next(_identity(row, how))
            try:
                yield _report(row, how, mode, own_id)
            except Unclear as unclear:
                yield Rejected(own_id, str(unclear))


def _identity(row: Row, how: Plan) -> Row:
    """Return the cells that tell a row from others."""
    if not how.format.is_sum:
        return row
    named = {columns[0]: nested.cell(row, columns[0]) for columns in how.columns.values()}
    texts = {name: value for name, value in row.items() if isinstance(value, (str, bool))}
    return {name: value for name, value in texts.items() if not numbers_in(str(value))} | named


def row_counts(row: Row, how: Plan) -> dict[str, int]:
    """Return the counts that a row says, by the names of `gateways.count_names`. Raises Unclear."""
    found = {name: _sum(row, columns, how.notation) for name, columns in how.counts.items()}
    said = {name: count for name, count in found.items() if count is not None}
    if how.format.counts:
        said |= {field: cells.count(how.fixed[field], field) for field in COUNTED if field in how.fixed}
    return said


def refined(row: Row, how: Plan) -> tuple[Said, str | Replay | None]:
    """Return what a row says of each field, and what it is instead of usage. Raises Unclear."""
    said: Said = {}
    for field, columns in how.columns.items():
        value = nested.cell(row, columns[0]) if len(columns) == 1 else _sum(row, columns, how.notation)
        if cells.is_said(value):
            said[field] = value
    said |= {field: value for field, value in how.fixed.items() if not (how.format.counts and field in COUNTED)}
    decided = {field: said[field] for field in how.decided if field in said}
    instead = how.format.refine(said)
    return said | decided, instead


def examples(row: Row, how: Plan) -> list[tuple[str, str, str]]:
    """Return each field with its column and what a row says there, without keys."""
    shown = [
        (_field_of(name), " + ".join(columns), _example(name, [nested.cell(row, column) for column in columns]))
        for name, columns in (*how.columns.items(), *how.counts.items())
    ]
    return [*shown, *((field, "(all rows)", value) for field, value in how.fixed.items())]


def _field_of(name: str) -> str:
    """Return the name of a field; of a count what it means, not how its source calls it."""
    part = part_named(name)
    if plain_name(name) in WRITTEN_FOR:
        part = Part.WRITTEN
    return _MEANINGS.get(part, f"{part}_tokens") if part else name


def _picked(columns: Sequence[str], field: str, said: str) -> tuple[str, ...]:
    """Return the columns that a person has named for a field. Raises InvalidInput."""
    is_sum = field in COUNTED and said not in columns
    names = [name.strip() for name in said.split("+")] if is_sum else [said]
    for name in names if said else ():
        if name not in columns:
            raise InvalidInput(f"There is no column called {name}. The columns are {_listed(columns)}.")
    return tuple(names) if said else ()


def _guess(columns: Sequence[str], known: Format) -> dict[str, tuple[str, ...]]:
    by_name = {plain(column): column for column in reversed(columns)}
    found = {field: next((by_name[n] for n in names if n in by_name), "") for field, names in known.fields.items()}
    return {field: (column,) for field, column in found.items() if column}


def _guess_counts(columns: Sequence[str], known: Format, decided: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return the column of each count, without those of a meaning that is decided."""
    parts = {part_named(field) for field in decided}
    found: dict[str, tuple[str, ...]] = {}
    for column in columns:
        name = known.counts.get(plain_name(column))
        if name and part_named(name) not in parts:
            found.setdefault(name, (column,))
    return found


def _check(known: Format, chosen: Mapping[str, str], fixed: Mapping[str, str]) -> None:
    for field in chosen:
        if field not in FIELDS and field not in known.fields:
            raise InvalidInput(f"There is no field called {field}. The fields are {', '.join(FIELDS)}.")
    for field in fixed:
        if field not in FIXED:
            raise InvalidInput(f"{field} cannot be the same for all rows. These can: {', '.join(FIXED)}.")


def _check_needed(columns: Sequence[str], how: Plan, texts: Collection[str]) -> None:
    said = how.columns.keys() | how.fixed.keys()
    parts = {part_named(name) for name in (*how.counts, *(said & set(COUNTED)))}
    has_total = bool(parts & {part_named("total_tokens")})
    wholes = [name for name in COUNTED[: 1 if how.format.no_completion else 2] if part_named(name) not in parts]
    missing = [] if said & {"model", "provider_model"} else ["model"]
    missing += wholes if len(wholes) > has_total else []
    missing += [] if "requested_at" in said else ["requested_at"]
    if not said & set(OWNERS):
        missing.append(f"whose a request is ({', '.join(OWNERS)})")
    if missing:
        passed = [name for name in columns if name in texts and plain_name(name) in how.format.counts]
        why = f" Most cells of {_listed(passed)} are no numbers, so that it is not read as a count." if passed else ""
        raise InvalidInput(
            f"No column is known to say {', '.join(missing)}.{why} Name it with --map FIELD=COLUMN, or say it of all "
            f"rows with --set FIELD=VALUE. The columns are {_listed(columns)}."
        )


def _listed(columns: Sequence[str]) -> str:
    shown = [clip_line(column, 100) for column in columns[:40]]
    return ", ".join(shown if len(columns) <= 40 else [*shown, "…"])


def _sum(row: Row, columns: Sequence[str], notation: Notation) -> int | None:
    """Return the sum of counts, None where no cell says one. Raises Unclear."""
    found = {column: nested.cell(row, column) for column in columns}
    said = [cells.count(value, column, notation) for column, value in found.items() if cells.is_said(value)]
    return sum(said) if said else None


def _report(row: Row, how: Plan, mode: str, own_id: str | None) -> UsageReport | Rejected | Skipped | Replay:
    """Return what a row reports. Raises Unclear."""
    said, instead = refined(row, how)
    if instead is not None:
        return Skipped(instead) if isinstance(instead, str) else instead
    at = cells.instant(said.pop("requested_at", ""), "requested_at", how.zone, how.notation)
    if how.before is not None and at >= how.before:
        return Skipped("requested at the time of --before or later")
    external_id = own_id or _id(said)
    more: Said = {name: said.pop(name) for name in ("provider_model", "is_only_one", "fallback_names") if name in said}
    if how.counts:
        _add_counts(said, row_counts(row, how), how)
    event = {"mode": mode, **_owner(said, more), **{field: _value(field, said[field], how) for field in said}}
    try:
        report = Event.model_validate({**event, "id": external_id, "requested_at": at.isoformat()}).report()
    except ValidationError as error:
        sentence, _ = first_problem(error.errors(include_url=False, include_input=False))
        return Rejected(external_id, sentence)
    if "provider_model" in more:
        more["provider_model"] = clip_line(more["provider_model"], 200) or None
    return replace(report, **more) if more else report


def _add_counts(said: Said, counts: Mapping[str, int], how: Plan) -> None:
    """Say the counts of a row; without any, they are unknown, or 0 if it failed. Raises Unclear."""
    failed = cells.status(said.get("status", "ok"), "status") != "ok"
    whole = read_counts(counts, beside=how.beside, no_completion=failed or how.format.no_completion, texts=False)
    if whole is None and not failed:
        without_counts(said)
        return
    for field in COUNTED:
        said[field] = getattr(whole, field.removesuffix("_tokens")) if whole else 0


def _value(field: str, value: object, how: Plan) -> object:
    if value is None:
        return None
    if field in _NUMBERS:
        return _NUMBERS[field](value, field, UNKNOWN if field in how.fixed else how.notation)
    return _READ[field](value, field)


def _owner(said: Said, more: Said) -> dict[str, str]:
    """Take out of what is said whose the request is, and return it. Raises Unclear.

    A name beside a key is that of the person whose key it is, where the key itself is not known.
    """
    claims = [(name, said.pop(name)) for name in OWNERS if name in said]
    if not claims:
        raise Unclear("It is not said whose the request is.")
    name, value = claims[0]
    if name == "username":
        return {name: cells.text(value, name).strip()}
    if claims[-1][0] == "username":
        more.setdefault("fallback_names", names_of({"user_api_key_user_id": claims[-1][1]}))
    return {"api_key_hash": cells.key_hash(value) if name == "api_key" else cells.text(value, name).strip()}


def _id(said: Said) -> str:
    """Return the id of a row; a digest of one that is longer than ids are. Raises Unclear."""
    if "id" not in said:
        raise Unclear("id is missing.")
    text = cells.text(said.pop("id"), "id")
    return text if len(text) <= LONGEST_ID else f"sha256:{digest(text)}"


def _example(field: str, values: Sequence[object]) -> str:
    said = [value for value in values if cells.is_said(value)]
    texts = [json.dumps(value, default=str) if isinstance(value, (dict, list)) else str(value) for value in said]
    if field in {"api_key", "api_key_hash"}:
        return "".join(f"{key_prefix(text)}…" for text in texts)
    return clip_line(" + ".join(texts), 40)


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


_MEANINGS = {Part.WRITTEN: "cache_write_tokens", Part.TOOLS: "tool_tokens"}
_READ: Mapping[str, Callable[[object, str], object]] = {
    **dict.fromkeys(("model", "mode", "template", "session_id"), cells.text),
    "status": cells.status,
}
_NUMBERS: Mapping[str, Callable[[object, str, Notation], object]] = {
    **dict.fromkeys(COUNTED, cells.count),
    "latency_ms": cells.milliseconds,
    "cost_factor": cells.factor,
}
