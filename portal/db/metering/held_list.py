"""The list of held events: searched, filtered, sorted and paged by the database."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.sql.functions import contains, folded, json_text
from portal.db.sql.lists import ListQuery
from portal.db.tables import Gateway, HeldEvent
from portal.rules.lists import ListFilter
from portal.rules.metering.held_list import EVERY_STATE


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A held event with the name of its gateway, and what it says about its owner.

    `key` is the beginning of the digest of an API key, from which nobody can tell the key.
    """

    number: int
    gateway: str
    id: str
    reason: str
    requested_at: datetime
    received_at: datetime
    settled_at: datetime | None
    model: str
    username: str | None
    key: str | None
    tokens: int


_DIGITS = 12
"""Digits of the digest of a key that are shown."""


def held_list(wanted: ListFilter) -> ListQuery[HeldRow]:
    """Return the held events that match a filter."""
    statement = select(*_COLUMNS, Gateway.name.label("gateway")).join(Gateway, Gateway.id == HeldEvent.gateway_id)
    return ListQuery(
        statement.where(*_conditions(wanted)),
        {"received": HeldEvent.id, "requested": HeldEvent.requested_at, "gateway": folded(Gateway.name)},
        HeldEvent.id,
        _row,
    )


def held_numbers(session: Session, wanted: ListFilter, after: int, limit: int) -> list[int]:
    """Return the numbers of events that match a filter and are above `after`, in order, at most `limit`."""
    query = held_list(wanted).statement.with_only_columns(HeldEvent.id, maintain_column_froms=True)
    return list(session.scalars(query.where(HeldEvent.id > after).order_by(HeldEvent.id).limit(limit)))


_COLUMNS = tuple(
    getattr(HeldEvent, name)
    for name in ("id", "external_id", "reason", "body", "requested_at", "received_at", "resolved_at")
)


def _conditions(wanted: ListFilter) -> list[Any]:
    found: list[Any] = []
    state = wanted.choice("state")
    if not state:
        found.append(HeldEvent.resolved_at.is_(None))
    elif state != EVERY_STATE:
        found.append(HeldEvent.resolved_at.is_not(None))
    if wanted.search:
        own = (json_text(HeldEvent.body, name) for name in ("model", "username", "key_hash"))
        found.append(contains(wanted.search, HeldEvent.external_id, *own))
    if gateway := wanted.choice("gateway"):
        found.append(Gateway.name == gateway)
    if reason := wanted.choice("reason"):
        found.append(HeldEvent.reason == reason)
    return found


def _row(row: Any) -> HeldRow:
    body = json.loads(row.body)
    key = body.get("key_hash")
    return HeldRow(
        number=row.id,
        gateway=row.gateway,
        id=row.external_id,
        reason=row.reason,
        requested_at=row.requested_at,
        received_at=row.received_at,
        settled_at=row.resolved_at,
        model=body["model"],
        username=body.get("username"),
        key=key[:_DIGITS] if key else None,
        tokens=body["prompt_tokens"] + body["completion_tokens"],
    )
