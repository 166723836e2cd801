"""Held events, which were reported and could not be counted: page, JSON, export and command."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.db.metering.gateways import all_gateways
from portal.db.metering.held import held_body
from portal.db.metering.held_list import HeldRow as HeldRow  # noqa: PLC0414  # for pages, which do not import db
from portal.db.metering.held_list import held_list
from portal.errors import NotFound
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.rules.metering.held_list import HELD_LIST
from portal.rules.people.actors import Actor
from portal.views.authority import check_reader
from portal.views.lists import ListView, load_list, load_list_rows


def load_held_list(
    session: Session, reader: Actor, wanted: ListFilter, _now: datetime, limit: int, cursor: str | None = None
) -> ListView[HeldRow]:
    """Return one page of the list. Raises Forbidden, and InvalidInput for a malformed cursor."""
    check_reader(session, reader)
    return load_list(session, held_list(wanted), HELD_LIST, wanted, limit, cursor)


def load_held_rows(session: Session, reader: Actor, wanted: ListFilter) -> Iterator[HeldRow]:
    """Return all filtered events, in the order of the filter; needs an open session. Raises Forbidden."""
    check_reader(session, reader)
    return load_list_rows(session, held_list(wanted), HELD_LIST, wanted)


def load_gateway_names(session: Session, reader: Actor) -> list[str]:
    """Return the names of all gateways, by which the list is filtered. Raises Forbidden."""
    check_reader(session, reader)
    return [row.name for row in all_gateways(session)]


def load_held_body(session: Session, reader: Actor, number: int) -> dict[str, Any]:
    """Return the report of a held event, with digests in place of secrets. Raises Forbidden and NotFound."""
    check_reader(session, reader)
    found = held_body(session, number)
    if found is None:
        raise NotFound(message("No event is held under the number {held_id}.", held_id=str(number)))
    body: dict[str, Any] = json.loads(found)
    return body
