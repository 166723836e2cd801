"""Make reports from the rows of a file.

Decision: the id of a row without an id column is the SHA-256 of the whole row, with a number if equal rows came before
it. So two equal rows of a file are two requests, and a file that is imported again, or has rows of another file, counts
nothing twice. The numbers of a sum that may still grow are not part of its id, so that a later export with other
numbers is a conflict.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from pydantic import ValidationError

from portal.gateways.count_names import TokenPart, part_named
from portal.gateways.counts import read_counts
from portal.gateways.lenient_values import UnclearValue, account_names
from portal.gateways.native import Event
from portal.imports import cells
from portal.imports.cells import cell
from portal.imports.columns import OWNERS, Plan
from portal.imports.files.content import Row
from portal.imports.formats.format import COUNTED, Fields, without_counts
from portal.imports.notations import UNKNOWN, Notation, numbers_in
from portal.rules.metering.usage import LONGEST_ID, Rejected, Replay, UsageReport
from portal.rules.people.secrets import digest, key_prefix
from portal.rules.strict_json import Flaw
from portal.rules.text import clip_line
from portal.rules.validation import first_problem

_NOT_OF_EVENTS = ("provider_model", "is_only_one", "fallback_names")
"""Fields that reports have, but not the events of gateways."""
_MEANINGS = {TokenPart.WRITTEN: "cache_write_tokens", TokenPart.TOOLS: "tool_tokens"}
_READ: Mapping[str, Callable[[object, str], object]] = {
    **dict.fromkeys(("model", "mode", "template", "session_id"), cells.as_text),
    "status": cells.as_status,
}
_NUMBERS: Mapping[str, Callable[[object, str, Notation], object]] = {
    **dict.fromkeys(COUNTED, cells.as_count),
    "latency_ms": cells.as_milliseconds,
    "cost_factor": cells.as_factor,
}


@dataclass(frozen=True, slots=True)
class Skipped:
    """A row that is not about usage."""

    reason: str


def read_reports(
    rows: Iterable[Row | Flaw], plan: Plan, mode: str
) -> Iterator[UsageReport | Rejected | Skipped | Replay]:
    """Yield the report of each row, or its entry of another kind; `mode` is for rows without a mode."""
    with closing(RowIds()) as ids:
        for row in rows:
            if isinstance(row, Flaw):
                yield Rejected(None, row.reason)
                continue
            own_id = None if "id" in plan.columns else ids.next(identity(row, plan))
            try:
                yield _report(row, plan, mode, own_id)
            except UnclearValue as unclear:
                yield Rejected(own_id, str(unclear))


def row_counts(row: Row, plan: Plan) -> dict[str, int]:
    """Return the counts of a row, by the names of `gateways.count_names`. Raises UnclearValue."""
    found = {name: _sum(row, columns, plan.notation) for name, columns in plan.counts.items()}
    counts = {name: count for name, count in found.items() if count is not None}
    if plan.format.counts:
        counts |= {field: cells.as_count(plan.fixed[field], field) for field in COUNTED if field in plan.fixed}
    return counts


def refined(row: Row, plan: Plan) -> tuple[Fields, str | Replay | None]:
    """Return the fields of a row, and why it is not usage (None if it is). Raises UnclearValue."""
    fields: Fields = {}
    for field, columns in plan.columns.items():
        value = cells.cell(row, columns[0]) if len(columns) == 1 else _sum(row, columns, plan.notation)
        if cells.has_value(value):
            fields[field] = value
    fields |= {field: value for field, value in plan.fixed.items() if not (plan.format.counts and field in COUNTED)}
    decided = {field: fields[field] for field in plan.decided if field in fields}
    instead = plan.format.refine(fields)
    return fields | decided, instead


def examples(row: Row, plan: Plan) -> list[tuple[str, str, str]]:
    """Return each field with its column and its value in a row; API keys are cut to their prefix."""
    shown = [
        (_field_of(name), " + ".join(columns), _example(name, [cells.cell(row, column) for column in columns]))
        for name, columns in (*plan.columns.items(), *plan.counts.items())
    ]
    return [*shown, *((field, "(all rows)", value) for field, value in plan.fixed.items())]


def _field_of(name: str) -> str:
    """Return the name of a field; the name of a count follows its meaning, not its name in the source."""
    part = part_named(name)
    return _MEANINGS.get(part, f"{part}_tokens") if part else name


def _sum(row: Row, columns: Sequence[str], notation: Notation) -> int | None:
    """Return the sum of counts; None if all cells are empty. Raises UnclearValue."""
    found = {column: cells.cell(row, column) for column in columns}
    counts = [cells.as_count(value, column, notation) for column, value in found.items() if cells.has_value(value)]
    return sum(counts) if counts else None


def _report(row: Row, plan: Plan, mode: str, own_id: str | None) -> UsageReport | Rejected | Skipped | Replay:
    """Return the report of a row, or its entry of another kind. Raises UnclearValue."""
    fields, instead = refined(row, plan)
    if instead is not None:
        return Skipped(instead) if isinstance(instead, str) else instead
    at = cells.zoned_instant(fields.pop("requested_at", ""), "requested_at", plan.zone, plan.notation)
    if plan.before is not None and at >= plan.before:
        return Skipped("requested at the time of --before or later")
    external_id = own_id or _id(fields)
    more: Fields = {name: fields.pop(name) for name in _NOT_OF_EVENTS if name in fields}
    if plan.counts:
        _add_counts(fields, row_counts(row, plan), plan)
    event = {"mode": mode, **_owner(fields, more), **{field: _value(field, fields[field], plan) for field in fields}}
    try:
        report = Event.model_validate({**event, "id": external_id, "requested_at": at.isoformat()}).report()
    except ValidationError as error:
        sentence, _ = first_problem(error.errors(include_url=False, include_input=False))
        return Rejected(external_id, sentence)
    if "provider_model" in more:
        more["provider_model"] = clip_line(more["provider_model"], 200) or None
    return replace(report, **more) if more else report


def _add_counts(fields: Fields, counts: Mapping[str, int], plan: Plan) -> None:
    """Set the counts of a row; missing counts are unknown, or 0 for a failed request. Raises UnclearValue."""
    failed = cells.as_status(fields.get("status", "ok"), "status") != "ok"
    whole = read_counts(counts, beside=plan.beside, no_completion=failed or plan.format.no_completion, texts=False)
    if whole is None and not failed:
        without_counts(fields)
        return
    for field in COUNTED:
        fields[field] = getattr(whole, field.removesuffix("_tokens")) if whole else 0


def _value(field: str, value: object, plan: Plan) -> object:
    if value is None:
        return None
    if field in _NUMBERS:
        return _NUMBERS[field](value, field, UNKNOWN if field in plan.fixed else plan.notation)
    return _READ[field](value, field)


def _owner(fields: Fields, more: Fields) -> dict[str, str]:
    """Remove the fields that name the account, and return the first one. Raises UnclearValue without any.

    A row with a key and a user name uses the name if the key is not known.
    """
    claims = [(name, fields.pop(name)) for name in OWNERS if name in fields]
    if not claims:
        raise UnclearValue("The row names no API key and no user.")
    name, value = claims[0]
    if name == "username":
        return {name: cells.as_text(value, name).strip()}
    if claims[-1][0] == "username":
        more.setdefault("fallback_names", account_names([claims[-1][1]]) or None)
    return {"api_key_hash": cells.as_key_hash(value) if name == "api_key" else cells.as_text(value, name).strip()}


def _id(fields: Fields) -> str:
    """Return the id of a row, or its digest if the id is too long. Raises UnclearValue."""
    if "id" not in fields:
        raise UnclearValue("id is missing.")
    text = cells.as_text(fields.pop("id"), "id")
    return text if len(text) <= LONGEST_ID else f"sha256:{digest(text)}"


def _example(field: str, values: Sequence[object]) -> str:
    filled = [value for value in values if cells.has_value(value)]
    texts = [json.dumps(value, default=str) if isinstance(value, (dict, list)) else str(value) for value in filled]
    if field in {"api_key", "api_key_hash"}:
        return "".join(f"{key_prefix(text)}…" for text in texts)
    return clip_line(" + ".join(texts), 40)


def identity(row: Row, plan: Plan) -> Row:
    """Return the cells that identify a row."""
    if not plan.format.is_sum:
        return row
    named = {columns[0]: cell(row, columns[0]) for columns in plan.columns.values()}
    texts = {name: value for name, value in row.items() if isinstance(value, (str, bool))}
    return {name: value for name, value in texts.items() if not numbers_in(str(value))} | named


class RowIds:
    """Makes the ids of rows; a temporary file has the number of times each row occurred."""

    def __init__(self) -> None:
        # no name: a temporary file, deleted when it is closed; the garbage collector may close it on another thread
        self._seen = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._seen.execute("PRAGMA cache_size = -32000")  # KiB
        self._seen.execute("CREATE TABLE seen (mark BLOB PRIMARY KEY, times INTEGER) WITHOUT ROWID")
        self._seen.execute("BEGIN")

    def next(self, row: Row) -> str:
        """Return the id of a row, the same each time the file is read."""
        mark = hashlib.sha256(json.dumps(row, sort_keys=True, default=str).encode())
        (times,) = self._seen.execute(
            "INSERT INTO seen VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1 RETURNING times",
            (mark.digest(),),
        ).fetchone()
        return f"sha256:{mark.hexdigest()}" + (f"/{times}" if times > 1 else "")

    def close(self) -> None:
        """Remove the temporary file."""
        self._seen.close()
