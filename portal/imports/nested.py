"""Objects in cells: the column `usage.input` is the member `input` of the object in `usage`."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

DEEPEST = 4
"""Levels of objects in one another that have columns."""
MOST_NAMES = 2_000
"""Columns of a file, with those of the objects in its cells."""


def as_object(value: object) -> dict[str, Any]:
    """Return the object in a cell, which may be JSON text; an empty one for any other value."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def names(row: Mapping[str, Any], depth: int = DEEPEST) -> Iterator[str]:
    """Yield the columns of a row, those of the objects in its cells after theirs."""
    for name, value in row.items():
        yield name
        if depth > 1:
            yield from (f"{name}.{inner}" for inner in names(as_object(value), depth - 1))


def cell(row: Mapping[str, Any], name: str) -> Any:
    """Return the cell of a column, None where the row has none."""
    if name in row or "." not in name:
        return row.get(name)
    parent, _, rest = name.partition(".")
    return cell(as_object(row.get(parent)), rest)
