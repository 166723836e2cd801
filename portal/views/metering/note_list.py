"""The notes of all people for administrators: page, JSON, export and command; `actions` store each look."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.metering.note_list import NoteRow as NoteRow  # noqa: PLC0414  # for pages, which do not import db
from portal.db.metering.note_list import note_list
from portal.rules.lists import ListFilter
from portal.rules.metering.note_list import NOTE_LIST
from portal.rules.people.actors import Actor
from portal.views.authority import check_reader
from portal.views.lists import ListView, load_list, load_list_rows


def load_note_list(
    session: Session, reader: Actor, wanted: ListFilter, _now: datetime, limit: int, cursor: str | None = None
) -> ListView[NoteRow]:
    """Return one page of the list. Raises Forbidden, and InvalidInput for a malformed cursor."""
    check_reader(session, reader)
    return load_list(session, note_list(wanted), NOTE_LIST, wanted, limit, cursor)


def load_note_rows(session: Session, reader: Actor, wanted: ListFilter) -> Iterator[NoteRow]:
    """Return all filtered notes, in the order of the filter; needs an open session. Raises Forbidden."""
    check_reader(session, reader)
    return load_list_rows(session, note_list(wanted), NOTE_LIST, wanted)
