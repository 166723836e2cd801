"""Lists that the database sorts and pages by key: the time does not depend on the number of pages before.

A noun's module returns a `ListQuery` with all conditions in its statement; the functions here read it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, func, literal, tuple_
from sqlalchemy.orm import Session

Row = TypeVar("Row")
Value = str | int | datetime
_VALUE, _ID = "_sort_value", "_sort_id"


@dataclass(frozen=True, slots=True)
class ListQuery(Generic[Row]):
    """A list without order and limit.

    `statement` selects the columns of `row` with all conditions; `sorts` are the expressions that it can be sorted by,
    none of them ever null; `id` breaks ties. `counted` selects as many rows from fewer tables, to count them.
    """

    statement: Select[Any]
    sorts: Mapping[str, Any]
    id: Any
    row: Callable[[Any], Row]
    counted: Select[Any] | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """The position of a row in an order: the value that it is sorted by, and its id."""

    value: Value
    id: int


@dataclass(frozen=True, slots=True)
class Order:
    """The name of the sorted column, and whether the order descends."""

    column: str
    descending: bool = False


def list_page(
    session: Session,
    query: ListQuery[Row],
    order: Order,
    limit: int,
    after: Position | None = None,
    *,
    backwards: bool = False,
) -> list[tuple[Row, Position]]:
    """Return up to `limit` rows in `order`, each with its position: after a position, or before it with `backwards`."""
    descending = order.descending != backwards
    statement = _ordered(query, order.column, descending).limit(limit)
    if after is not None:
        statement = statement.where(_past(query, order.column, descending, after))
    rows = [(query.row(row), Position(row[-2], row[-1])) for row in session.execute(statement)]
    return rows[::-1] if backwards else rows


def list_rows(session: Session, query: ListQuery[Row], order: Order) -> Iterator[Row]:
    """Yield all rows in `order`, without holding them all in memory."""
    statement = _ordered(query, order.column, order.descending).execution_options(yield_per=1000)
    with session.execute(statement) as found:  # also closed when the caller stops early
        for row in found:
            yield query.row(row)


def list_count(session: Session, query: ListQuery[Row]) -> int:
    """Return the number of rows."""
    return session.scalar(_counting(query.statement if query.counted is None else query.counted)) or 0


def list_before(session: Session, query: ListQuery[Row], order: Order, position: Position) -> int:
    """Return the number of rows before a position in `order`."""
    before = _past(query, order.column, not order.descending, position)
    return session.scalar(_counting(query.statement).where(before)) or 0


def _counting(statement: Select[Any]) -> Select[tuple[int]]:
    """Return the statement that counts; PostgreSQL leaves out outer joins that it does not need, SQLite does not."""
    return statement.with_only_columns(func.count(), maintain_column_froms=True)


def _ordered(query: ListQuery[Row], column: str, descending: bool) -> Select[Any]:
    value = query.sorts[column]
    by = (value.desc(), query.id.desc()) if descending else (value, query.id)
    return query.statement.add_columns(value.label(_VALUE), query.id.label(_ID)).order_by(*by)


def _past(query: ListQuery[Row], column: str, descending: bool, position: Position) -> ColumnElement[bool]:
    value = query.sorts[column]
    here, there = tuple_(value, query.id), tuple_(literal(position.value, value.type), literal(position.id))
    return here < there if descending else here > there
