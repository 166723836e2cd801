"""The plan of a file import: the column of each field of a request.

Decision: columns are guessed by their names. The guess is shown before anything is stored, and a person can change it
column by column.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from portal.errors import InvalidInput
from portal.gateways.count_names import WRITTEN_FOR, TokenPart, part_named, plain_name
from portal.gateways.native import Event
from portal.imports.formats.format import COUNTED, FileFormat, plain
from portal.imports.formats.recognition import recognise
from portal.imports.notations import UNKNOWN, Notation
from portal.rules.text import clip_line

OWNERS = ("api_key_hash", "api_key", "username")
"""Fields that name the account of a request; a row uses the first of them that it has."""
FIELDS = (*Event.model_fields, "provider_model")
FIXED = tuple(name for name in FIELDS if name not in {"id", "api_key", "api_key_hash", "requested_at"})
"""Fields that may be the same for all rows of a file."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to read a file: the columns of each field and of each count, and the values that are `fixed` for all rows.

    If a count has several columns, they are added. `decided` are the counts that a person has mapped or fixed. Cells
    are written in `notation`, instants without an offset are in `zone`; requests from `before` on are skipped. `beside`
    is whether caches are counted beside the prompt; None decides row by row.
    """

    format: FileFormat
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
        """The columns of a table to read; None is all of them."""
        return {name.partition(".")[0] for name in self.mapped} | self.mapped if "id" in self.columns else None

    @property
    def caches(self) -> list[str]:
        """The counts of tokens read from or written to a cache, without the parts of a sum that is among them."""
        names = [name for name in self.counts if part_named(name) in {TokenPart.CACHED, TokenPart.WRITTEN}]
        parts = {name for name in names if plain_name(name) in WRITTEN_FOR}
        has_sum = any(part_named(name) is TokenPart.WRITTEN for name in names if name not in parts)
        return [name for name in names if name not in parts or not has_sum]

    def digest(self) -> str:
        """Return 16 characters that identify this plan."""
        read = [self.format.name, dict(self.columns), dict(self.counts), dict(self.fixed)]
        content = [*read, str(self.notation), str(self.zone), str(self.before), self.beside]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def make_plan(
    columns: Sequence[str],
    chosen: Mapping[str, str],
    fixed: Mapping[str, str],
    zone: tzinfo | None = None,
    before: datetime | None = None,
    *,
    texts: Collection[str] = (),
) -> Plan:
    """Return how to read a file with these columns; the columns in `texts` have texts, so they are not counts.

    `chosen` maps a field to its column, a count also to several columns to add (`a+b`), and "" to none. Raises
    InvalidInput for unknown fields and columns, and for missing fields.
    """
    known = recognise(columns)
    picked = {field: _picked(columns, field, names) for field, names in chosen.items()}
    _check(known, chosen, fixed)
    found = _guess(columns, known)
    if set(OWNERS) & (chosen.keys() | fixed.keys()):
        found = {field: column for field, column in found.items() if field not in OWNERS}
    decided = frozenset(COUNTED) & (chosen.keys() | fixed.keys())
    counts = {} if not known.counts else _guess_counts([c for c in columns if c not in texts], known, decided)
    found = {field: names for field, names in {**found, **picked}.items() if names and field not in fixed}
    if known.counts:
        counts |= {field: found.pop(field) for field in COUNTED if field in found}
    plan = Plan(known, found, counts, fixed, decided, UNKNOWN, zone or known.zone, before, known.beside)
    _check_needed(columns, plan, texts)
    return replace(plan, beside=False) if "prompt_tokens" in decided else plan


def _picked(columns: Sequence[str], field: str, chosen: str) -> tuple[str, ...]:
    """Return the columns that a person chose for a field. Raises InvalidInput."""
    is_sum = field in COUNTED and chosen not in columns
    names = [name.strip() for name in chosen.split("+")] if is_sum else [chosen]
    for name in names if chosen else ():
        if name not in columns:
            raise InvalidInput(f"There is no column called {name}. The columns are {_listed(columns)}.")
    return tuple(names) if chosen else ()


def _guess(columns: Sequence[str], known: FileFormat) -> dict[str, tuple[str, ...]]:
    by_name = {plain(column): column for column in reversed(columns)}
    found = {field: next((by_name[n] for n in names if n in by_name), "") for field, names in known.fields.items()}
    return {field: (column,) for field, column in found.items() if column}


def _guess_counts(columns: Sequence[str], known: FileFormat, decided: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return the column of each count, without counts with the meaning of a decided one."""
    parts = {part_named(field) for field in decided}
    found: dict[str, tuple[str, ...]] = {}
    for column in columns:
        name = known.counts.get(plain_name(column))
        if name and part_named(name) not in parts:
            found.setdefault(name, (column,))
    return found


def _check(known: FileFormat, chosen: Mapping[str, str], fixed: Mapping[str, str]) -> None:
    for field in chosen:
        if field not in FIELDS and field not in known.fields:
            raise InvalidInput(f"There is no field called {field}. The fields are {', '.join(FIELDS)}.")
    for field in fixed:
        if field not in FIXED:
            raise InvalidInput(f"{field} cannot be the same for all rows. These can: {', '.join(FIXED)}.")


def _check_needed(columns: Sequence[str], plan: Plan, texts: Collection[str]) -> None:
    fields = plan.columns.keys() | plan.fixed.keys()
    parts = {part_named(name) for name in (*plan.counts, *(fields & set(COUNTED)))}
    has_total = bool(parts & {part_named("total_tokens")})
    wholes = [name for name in COUNTED[: 1 if plan.format.no_completion else 2] if part_named(name) not in parts]
    missing = [] if fields & {"model", "provider_model"} else ["model"]
    missing += wholes if len(wholes) > has_total else []
    missing += [] if "requested_at" in fields else ["requested_at"]
    if not fields & set(OWNERS):
        missing.append(f"whose a request is ({', '.join(OWNERS)})")
    if missing:
        passed = [name for name in columns if name in texts and plain_name(name) in plan.format.counts]
        why = f" Most cells of {_listed(passed)} are no numbers, so that it is not read as a count." if passed else ""
        raise InvalidInput(
            f"No column is known to say {', '.join(missing)}.{why} Name it with --map FIELD=COLUMN, or say it of all "
            f"rows with --set FIELD=VALUE. The columns are {_listed(columns)}."
        )


def _listed(columns: Sequence[str]) -> str:
    shown = [clip_line(column, 100) for column in columns[:40]]
    return ", ".join(shown if len(columns) <= 40 else [*shown, "…"])
