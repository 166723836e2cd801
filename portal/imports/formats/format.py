"""The class of all formats, and functions that several formats use."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from portal.imports.cells import as_instant, as_text, in_utc
from portal.rules.metering.usage import Replay

Fields = dict[str, Any]
"""The values of a row by field; a format may have fields that events do not have."""
Skip = str
"""The reason why a row is not about usage."""
COUNTED = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")
"""Fields that are counts of tokens."""
COUNTS = {"prompt_tokens": ["prompttokens"], "completion_tokens": ["completiontokens"]}
"""The columns of the two counts, for formats that have counts as fields."""


def _as_named(_: Fields) -> None:
    """Change nothing: the cells have the meaning of their columns."""


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A kind of export.

    `marks` are the columns that identify the format. `fields` has the possible columns of each field, the best one
    first. `counts` maps a column to a name of `gateways.count_names`; if it is empty, the counts are fields too, and
    `refine` completes them. All columns have the form of `plain`. `refine` changes the fields of a row to those of an
    event, or returns why the row is not usage; it raises UnclearValue. `zone` is for instants without an offset.

    `beside` is whether caches are counted beside the prompt; None decides by the figures. `aggregate` is a sentence
    that says what a row sums up, if it is more than one request. `details` are columns that look like counts, but are
    parts of counts that are read. `is_sum`: a row is the sum of a period that may not be over, so its numbers may be
    larger in the next export. `no_completion`: the format has prompts only, as for embeddings.
    """

    name: str
    gateway: str
    fields: Mapping[str, Sequence[str]]
    counts: Mapping[str, str]
    marks: frozenset[str] = frozenset()
    refine: Callable[[Fields], Skip | Replay | None] = _as_named
    zone: tzinfo | None = None
    beside: bool | None = None
    aggregate: str = ""
    details: frozenset[str] = frozenset()
    is_sum: bool = False
    no_completion: bool = False


def plain(column: str) -> str:
    """Return the letters and digits of the name of a column, in lower case."""
    return "".join(letter for letter in column.lower() if letter.isalnum())


def by_own_name(*counts: str) -> dict[str, str]:
    """Return the counts of columns that have the names of the counts, for `FileFormat.counts`."""
    return {plain(count): count for count in counts}


def without_counts(fields: Fields) -> None:
    """Mark the counts of a row as unknown."""
    fields |= {"prompt_tokens": None, "completion_tokens": None}


def set_latency(fields: Fields) -> None:
    """Set the latency from start and end, unless the row has a latency."""
    first, last = as_instant(fields.get("requested_at")), as_instant(fields.pop("ended_at", None))
    if first is not None and last is not None:
        took = in_utc(last) - in_utc(first)
        fields.setdefault("latency_ms", took.total_seconds() * 1000)


def pop_text(fields: Fields, name: str) -> str:
    """Remove a field and return it as text; "" without it. Raises UnclearValue."""
    value = fields.pop(name, "")
    return str(value).strip() if isinstance(value, (str, int, bool)) else as_text(value, name)
