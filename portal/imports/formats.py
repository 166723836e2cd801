"""A kind of export: which of its columns say what, and what its rows stand for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from portal.imports.cells import as_instant, in_utc
from portal.rules.usage import Replay

Said = dict[str, Any]
"""What a row says of each field; a format may use fields of its own that no event has."""
Skip = str
"""Why a row is about something else than usage."""
COUNTED = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")
"""Fields that are counts of tokens."""


def _as_named(_: Said) -> None:
    """Take the cells for what their columns are named."""


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of export.

    `marks` are columns that tell it from others, in the form of `plain`. `fields` says in which columns a field may be,
    the best one first. `counts` says by which name of `gateways.count_names` a column is counted, again in that form;
    without it the counts are fields as well, and `refine` makes them whole. `refine` makes what a row says into what an
    event has, or returns what the row is instead; it raises Unclear. `zone` is that of instants without an offset.

    `beside` says whether caches are counted beside the prompt; None leaves it to the figures. `aggregate` is a sentence
    that says what a row stands for, where it is more than one request. `details` are columns that look like counts, and
    are parts of those that are read. `is_sum` says that a row is the sum of a time that may go on, so that its numbers
    grow until the next export. `no_completion` is for what has a prompt alone, such as embeddings.
    """

    name: str
    gateway: str
    fields: Mapping[str, Sequence[str]]
    counts: Mapping[str, str]
    marks: frozenset[str] = frozenset()
    refine: Callable[[Said], Skip | Replay | None] = _as_named
    zone: tzinfo | None = None
    beside: bool | None = None
    aggregate: str = ""
    details: frozenset[str] = frozenset()
    is_sum: bool = False
    no_completion: bool = False


def plain(column: str) -> str:
    """Return the name of a column without what programs write differently: case, spaces, underscores."""
    return "".join(letter for letter in column.lower() if letter.isalnum())


def without_counts(said: Said) -> None:
    """Say of a row that its counts are unknown."""
    said |= {"prompt_tokens": None, "completion_tokens": None}


def set_latency(said: Said) -> None:
    """Say how long a request took where its program has not measured it, from when it began and ended."""
    first, last = as_instant(said.get("requested_at")), as_instant(said.pop("ended_at", None))
    if first is not None and last is not None:
        took = in_utc(last) - in_utc(first)
        said.setdefault("latency_ms", took.total_seconds() * 1000)
