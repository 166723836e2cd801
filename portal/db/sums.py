"""What counters and roll-ups have in common: the columns that are summed, and how something is added to them."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy.orm import Session

from portal.db.tables import SummedColumns
from portal.db.upserts import insert_into
from portal.rules.figures import Figures

SUMS = ("tokens", "prompt_tokens", "completion_tokens", "requests", "cost_nano_eur", "unpriced")


def summed(table: type[SummedColumns]) -> list[Any]:
    """Return the summed columns of a table, in the order in which `figures_of` reads them."""
    return [getattr(table, name) for name in SUMS]


def figures_of(row: Sequence[Any]) -> Figures:
    """Return the figures in a row of summed columns, or of their sums; nothing at all sums to zeros."""
    tokens, prompt, completion, requests, cost, unpriced = (int(value or 0) for value in row)
    return Figures(tokens, prompt, completion, prompt + completion, requests, cost, unpriced)


def add_figures(
    session: Session,
    table: Any,
    key: Sequence[str],
    parts: Mapping[Any, Figures],
) -> None:
    """Insert rows, or add to those that are there; the database adds, so nothing concurrent is lost.

    `parts` are the figures by the values of the `key` columns. They are written in the order of their keys, so that
    no two batches wait for each other in a ring.
    """
    if not parts:
        return
    rows = [dict(zip(key, values, strict=True)) | _columns(parts[values]) for values in sorted(parts)]
    connection = session.connection()
    connection.execute(_addition(connection.dialect.name, table, tuple(key)), rows)


@cache
def _addition(dialect: str, table: Any, key: tuple[str, ...]) -> Any:
    """Return the statement that adds; it is the same for every batch, and takes a while to put together."""
    statement = insert_into(dialect, table)
    added = {name: getattr(table, name) + statement.excluded[name] for name in SUMS}
    return statement.on_conflict_do_update(index_elements=key, set_=added)


def _columns(figures: Figures) -> dict[str, int]:
    return {
        "tokens": figures.tokens,
        "prompt_tokens": figures.prompt_tokens,
        "completion_tokens": figures.completion_tokens,
        "requests": figures.requests,
        "cost_nano_eur": figures.cost_nano_eur,
        "unpriced": figures.unpriced,
    }
