"""A kind of export: which column is which field, and what its rows are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from portal.imports.cells import as_instant, as_text, in_utc
from portal.rules.usage import Replay

Fields = dict[str, Any]
"""The values of a row by field; a format may have fields that events do not have."""
Skip = str
"""Why a row is about something else than usage."""
COUNTED = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")
"""Fields that are counts of tokens."""
COUNTS = {"prompt_tokens": ["prompttokens"], "completion_tokens": ["completiontokens"]}
"""The columns of the two counts, for formats that have counts as fields."""


def _as_named(_: Fields) -> None:
    """Change nothing: each cell is what its column is named."""


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A kind of export.

    `marks` are the columns by which it is recognised, in the form of `plain`. `fields` are the columns that a field may
    be in, the best one first. `counts` maps a column, again in that form, to a name of `gateways.count_names`; without
    it the counts are fields as well, and `refine` completes them. `refine` changes the fields of a row to those of an
    event, or returns what the row is instead; it raises UnclearValue. `zone` is that of instants without an offset.

    `beside` is true where caches are counted beside the prompt; None leaves it to the figures. `aggregate` is a
    sentence about what a row is, where it is more than one request. `details` are columns that look like counts, and
    are parts of those that are read. `is_sum`: a row is the sum of a period that may not be over, so its numbers may be
    larger in the next export. `no_completion` is for formats that have a prompt only, such as embeddings.
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
    """Return the name of a column in lower case, without spaces and underscores."""
    return "".join(letter for letter in column.lower() if letter.isalnum())


def without_counts(fields: Fields) -> None:
    """Mark the counts of a row as unknown."""
    fields |= {"prompt_tokens": None, "completion_tokens": None}


def set_latency(fields: Fields) -> None:
    """Set the latency from start and end, unless the program measured it."""
    first, last = as_instant(fields.get("requested_at")), as_instant(fields.pop("ended_at", None))
    if first is not None and last is not None:
        took = in_utc(last) - in_utc(first)
        fields.setdefault("latency_ms", took.total_seconds() * 1000)


def pop_text(fields: Fields, name: str) -> str:
    """Remove a field and return it as text; "" without it. Raises UnclearValue."""
    value = fields.pop(name, "")
    return str(value).strip() if isinstance(value, (str, int, bool)) else as_text(value, name)
