"""Usage History: one page of an account's requests, with the totals of all filtered requests."""

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.metering.totals import modes
from portal.db.metering.usage import (
    Position,
    Selection,
    position_of,
    usage_before,
    usage_page,
    usage_row,
    usage_rows,
    usage_totals,
)
from portal.db.metering.usage import UsageRow as UsageRow  # noqa: PLC0414  # for pages, which do not import db
from portal.db.people.keys import matching_keys
from portal.errors import InvalidInput, NotFound
from portal.rules.instants import parse_instant
from portal.rules.messages import message
from portal.rules.metering.figures import Figures
from portal.rules.metering.usage import Order, UsageFilter
from portal.settings import settings
from portal.views.people.accounts import Viewer

MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class HiddenBy:
    """A choice of a filter that hides all requests; the filter `wanted` without it matches `requests`."""

    choice: str
    wanted: UsageFilter
    requests: int


@dataclass(frozen=True, slots=True)
class UsageView:
    """One page of requests; `before` is the number of filtered requests on earlier pages.

    `totals` are the sums of all filtered requests, `pruned` those of pruned ones. `newer` and `older` are the cursors
    of the neighbouring pages, None at either end. `hidden_by` has the choices that cause an empty result.
    """

    rows: tuple[UsageRow, ...]
    totals: Figures
    pruned: Figures
    before: int
    newer: str | None
    older: str | None
    modes: tuple[str, ...]
    hidden_by: tuple[HiddenBy, ...] = ()


def load_usage(
    session: Session,
    viewer: Viewer,
    wanted: UsageFilter,
    now: datetime,
    limit: int = 50,
    cursor: str | None = None,
) -> UsageView:
    """Return the page of the viewer's own requests that begins at `cursor`, at most `limit` (1 to 500) rows.

    Raises InvalidInput for a malformed cursor, or a cursor of another order.
    """
    selection = _selection(session, viewer, wanted, now)
    after, backwards = _read_cursor(cursor, wanted.order)
    rows = usage_page(session, viewer.id, selection, wanted.order, limit + 1, after, backwards=backwards)
    has_more = len(rows) > limit
    if has_more:
        rows = rows[1:] if backwards else rows[:-1]
    positions = [position_of(row, wanted.order) for row in (rows[:1] + rows[-1:])]
    is_first = after is None or not positions
    before = 0 if is_first else usage_before(session, viewer.id, selection, wanted.order, positions[0])
    has_older = bool(rows) and (has_more or backwards)
    totals = usage_totals(session, viewer.id, selection, settings().budget_zone)
    return UsageView(
        rows=tuple(rows),
        totals=totals.stored,
        pruned=totals.pruned,
        before=before,
        newer=_cursor(positions[0], wanted.order, backwards=True) if before else None,
        older=_cursor(positions[-1], wanted.order, backwards=False) if has_older else None,
        modes=tuple(modes(session, viewer.id)),
        hidden_by=() if totals.stored.requests else _hidden_by(session, viewer, wanted, now),
    )


def is_cursor(text: str, order: Order) -> bool:
    """Return whether a text is a valid cursor of a list in this order."""
    try:
        _read_cursor(text, order)
    except InvalidInput:
        return False
    return True


def load_usage_row(session: Session, viewer: Viewer, usage_id: int) -> UsageRow:
    """Return one of the viewer's own requests. Raises NotFound, also for a request of another account."""
    row = usage_row(session, viewer.id, usage_id)
    if row is None:
        raise NotFound(message("There is no such request."))
    return row


def load_export(session: Session, viewer: Viewer, wanted: UsageFilter, now: datetime) -> Iterator[UsageRow]:
    """Yield all of the viewer's filtered requests, in the order of the filter; needs an open session."""
    return usage_rows(session, viewer.id, _selection(session, viewer, wanted, now), wanted.order)


def _hidden_by(session: Session, viewer: Viewer, wanted: UsageFilter, now: datetime) -> tuple[HiddenBy, ...]:
    """Return the choices of an empty filter result without which the filter would match; reads roll-ups."""
    found = []
    for choice, without in wanted.without_each():
        selection = _selection(session, viewer, without, now)
        requests = usage_totals(session, viewer.id, selection, settings().budget_zone).stored.requests
        if requests:
            found.append(HiddenBy(choice, without, requests))
    return tuple(found)


def _selection(session: Session, viewer: Viewer, wanted: UsageFilter, now: datetime) -> Selection:
    since, until = wanted.span(now, viewer.zone, settings().budget_zone)
    return Selection(
        since=since,
        until=until,
        key_ids=matching_keys(session, viewer.id, wanted.token_name) if wanted.token_name else None,
        mode=wanted.mode or None,
        model=wanted.model or None,
        status=wanted.status,
        counts=wanted.counts,
    )


def _cursor(position: Position, order: Order, *, backwards: bool) -> str:
    value = position.value.isoformat() if isinstance(position.value, datetime) else position.value
    text = json.dumps([order, "before" if backwards else "after", value, position.id], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str | None, order: Order) -> tuple[Position | None, bool]:
    """Return the position of a cursor, and whether it points backwards. Raises InvalidInput."""
    if not cursor:
        return None, False
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        kind, way, value, row_id = json.loads(base64.b64decode(padded, b"-_", validate=True))
        if kind != order or way not in {"before", "after"} or type(row_id) is not int or not 0 < row_id < 2**63:
            raise ValueError
        if order is Order.LARGEST:
            if type(value) is not int or not 0 <= value < 2**63:
                raise ValueError
            return Position(value, row_id), way == "before"
        return Position(parse_instant(value), row_id), way == "before"
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
        raise InvalidInput(message("The cursor is not one that this list has given."), "cursor") from None
