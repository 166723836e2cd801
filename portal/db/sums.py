"""What counters and roll-ups have in common: the columns that are summed, and how something is added to them."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy.orm import Session

from portal.db.sql.bulk_insert import BulkInsert
from portal.db.tables import SummedColumns
from portal.rules.figures import Figures

SUMS = ("tokens", "prompt_tokens", "completion_tokens", "requests", "cost_nano_eur", "unpriced", "without_counts")


def summed(table: type[SummedColumns]) -> list[Any]:
    """Return the summed columns of a table, in the order in which `figures_of` reads them."""
    return [getattr(table, name) for name in SUMS]


def figures_of(row: Sequence[Any]) -> Figures:
    """Return the figures in a row of summed columns, or of their sums; nothing at all sums to zeros."""
    tokens, prompt, completion, requests, cost, unpriced, without = (int(value or 0) for value in row)
    return Figures(tokens, prompt, completion, prompt + completion, requests, cost, unpriced, without)


def add_figures(session: Session, table: Any, key: tuple[str, ...], parts: Mapping[Any, Figures]) -> None:
    """Insert rows, or add to those that are there; the database adds, so nothing concurrent is lost.

    `parts` are the figures by the values of the `key` columns. They are written in the order of their keys, so that
    no two batches wait for each other in a ring.
    """
    _addition(table, key).run(session, [(*values, *_columns(parts[values])) for values in sorted(parts)])


@cache
def _addition(table: Any, key: tuple[str, ...]) -> BulkInsert:
    added = ", ".join(f"{name} = {table.__tablename__}.{name} + excluded.{name}" for name in SUMS)
    return BulkInsert(table, (*key, *SUMS), f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {added}")


def _columns(figures: Figures) -> tuple[int, ...]:
    tokens, prompt, completion, _, requests, cost, unpriced, without = figures
    return tokens, prompt, completion, requests, cost, unpriced, without
