"""Held events that name a person, by user name or email address."""

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.tables import Account, HeldEvent
from portal.rules.text import email_key

_AT_ONCE = 500


def held_events_naming(session: Session, own: Account) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield id and report of each held event that names the person of an account; reads all held events."""
    named = select(HeldEvent.id, HeldEvent.body).where(HeldEvent.body.contains('"username":')).order_by(HeldEvent.id)
    for held_id, body in session.execute(named.execution_options(yield_per=_AT_ONCE)):
        payload = json.loads(body)
        if is_name_of(own, payload.get("username")):
            yield held_id, payload


def is_name_of(own: Account, value: object) -> bool:
    """Return whether a value is the user name or the email address of an account."""
    if not isinstance(value, str):
        return False
    return value.lower() == own.username or (own.email_key is not None and email_key(value) == own.email_key)
