"""Storing that somebody has looked at the notes of other people."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator
from portal.db.audit import add_entry
from portal.db.metering.note_list import note_list
from portal.db.people.accounts import account_named
from portal.db.sql.lists import list_count
from portal.errors import InvalidInput
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.rules.metering.note_list import is_look
from portal.rules.people.actors import Actor


def note_look(session: Session, actor: Actor, wanted: ListFilter, now: datetime) -> int:
    """Store a search with the number of its results, and return this number; call it before notes are shown.

    Raises Forbidden, and InvalidInput for a filter that asks for nothing.
    """
    check_administrator(session, actor)
    if not is_look(wanted):
        raise InvalidInput(message("Search for a text, or name an account."), "search")
    results = list_count(session, note_list(wanted))
    person = account_named(session, wanted.choice("account").lower()) if wanted.choice("account") else None
    asked: dict[str, Any] = {"search": wanted.search, "account": wanted.choice("account"), "results": results}
    add_entry(
        session,
        actor,
        "notes.search",
        now,
        account_id=person.id if person else None,
        target="notes",
        **{name: value for name, value in asked.items() if value != ""},
    )
    return results
