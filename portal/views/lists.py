"""Pages of lists, for pages of administration, JSON and exports, with cursors to the neighbouring pages."""

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy.orm import Session

from portal.db.sql.lists import ListQuery, Order, Position, list_before, list_count, list_page, list_rows
from portal.errors import InvalidInput
from portal.rules.instants import parse_instant
from portal.rules.lists import ListFilter, ListRules, sort_value
from portal.rules.messages import message

Item = TypeVar("Item")

MOST_ROWS = 500
"""Rows of one page."""


@dataclass(frozen=True, slots=True)
class ListView(Generic[Item]):
    """One page of a list: its rows, the number of all filtered rows, and of those on the pages `before`.

    `back` and `on` are the cursors of the neighbouring pages, None at either end.
    """

    rows: tuple[Item, ...]
    total: int
    before: int
    back: str | None
    on: str | None


def load_list(
    session: Session,
    query: ListQuery[Item],
    rules: ListRules,
    wanted: ListFilter,
    limit: int,
    cursor: str | None,
    *,
    total: int | None = None,
) -> ListView[Item]:
    """Return the page that begins at `cursor`, with at most `limit` rows. Raises InvalidInput for a bad cursor.

    `total` is the number of all rows, if the caller has counted them already.
    """
    order = Order(*rules.order(wanted))
    after, backwards = _read_cursor(cursor, rules, wanted)
    most = limit + 1
    if total is not None and after is None:  # the database does not look for more rows than there are
        most = min(most, total)
    found = list_page(session, query, order, most, after, backwards=backwards)
    has_more = len(found) > limit
    if has_more:
        found = found[1:] if backwards else found[:-1]
    is_first = after is None or not found
    before = 0 if is_first else list_before(session, query, order, found[0][1])
    has_next = bool(found) and (has_more or backwards)
    return ListView(
        rows=tuple(row for row, _ in found),
        total=list_count(session, query) if total is None else total,
        before=before,
        back=_cursor(found[0][1], rules, wanted, backwards=True) if before else None,
        on=_cursor(found[-1][1], rules, wanted, backwards=False) if has_next else None,
    )


def load_list_rows(session: Session, query: ListQuery[Item], rules: ListRules, wanted: ListFilter) -> Iterator[Item]:
    """Yield all filtered rows, in the order of the filter; needs an open session."""
    return list_rows(session, query, Order(*rules.order(wanted)))


def is_list_cursor(text: str, rules: ListRules, wanted: ListFilter) -> bool:
    """Return whether a text is a valid cursor of a list in this order."""
    try:
        _read_cursor(text, rules, wanted)
    except InvalidInput:
        return False
    return True


def _cursor(position: Position, rules: ListRules, wanted: ListFilter, *, backwards: bool) -> str:
    value = position.value.isoformat() if isinstance(position.value, datetime) else position.value
    parts = [wanted.sort or rules.plain, "before" if backwards else "after", value, position.id]
    text = json.dumps(parts, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str | None, rules: ListRules, wanted: ListFilter) -> tuple[Position | None, bool]:
    """Return the position of a cursor, and whether it points backwards. Raises InvalidInput."""
    if not cursor:
        return None, False
    column, _ = rules.order(wanted)
    kind = rules.sorts[column]
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        order, way, value, row_id = json.loads(base64.b64decode(padded, b"-_", validate=True))
        if kind is datetime:
            value = parse_instant(value)
        is_order = order == (wanted.sort or rules.plain) and way in {"before", "after"}
        if not is_order or not sort_value(kind, value) or type(row_id) is not int or not 0 < row_id < 2**63:
            raise ValueError
        return Position(value, row_id), way == "before"
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
        raise InvalidInput(message("The cursor is not one that this list has given."), "cursor") from None
