"""The search in the notes of all people: searched, sorted and paged by the database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import false, select

from portal.db.sql.functions import contains
from portal.db.sql.lists import ListQuery
from portal.db.tables import Account, Note, UsageEvent
from portal.rules.lists import ListFilter
from portal.rules.metering.note_list import is_look


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A note of a person on a request."""

    usage_id: int
    username: str
    text: str
    updated_at: datetime
    model: str
    requested_at: datetime


def note_list(wanted: ListFilter) -> ListQuery[NoteRow]:
    """Return the notes that match a filter; none for a filter that asks for nothing."""
    statement = (
        select(*_COLUMNS)
        .join(Account, Account.id == Note.account_id)
        .join(UsageEvent, UsageEvent.id == Note.usage_id)
        .where(*_conditions(wanted))
    )
    return ListQuery(statement, {"updated": Note.updated_at}, Note.usage_id, _row)


_COLUMNS: tuple[Any, ...] = (
    *(Note.usage_id, Account.username, Note.text, Note.updated_at),
    *(UsageEvent.model, UsageEvent.requested_at),
)


def _conditions(wanted: ListFilter) -> list[Any]:
    found: list[Any] = [] if is_look(wanted) else [false()]
    if wanted.search:
        found.append(contains(wanted.search, Note.text))
    if account := wanted.choice("account"):
        found.append(Account.username == account.lower())
    return found


def _row(row: Any) -> NoteRow:
    return NoteRow(*(getattr(row, name) for name in NoteRow.__slots__))
