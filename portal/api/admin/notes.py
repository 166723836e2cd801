"""The notes of all people for administrators; the audit log has each request."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from portal.actions.metering.note_search import note_look
from portal.api.access import Writing
from portal.api.admin.access import admin_caller, admin_router
from portal.api.admin.lists import (
    ExportParameters,
    ListAnswer,
    ListQuery,
    PageParameters,
    export_file,
    export_route,
    list_answer,
)
from portal.api.errors import answers
from portal.api.exports import Streaming
from portal.clock import utc_now
from portal.db.sql.session import run_in_transaction
from portal.rules.lists import LONGEST_SEARCH
from portal.rules.metering.note_list import NOTE_LIST
from portal.rules.people.actors import Actor
from portal.views.metering.note_list import NoteRow, load_note_list, load_note_rows

router = admin_router("Notes")

READ = "notes:read"
Reader = Annotated[Actor, Depends(admin_caller(READ))]


class NoteQuery(ListQuery):
    """A search in the notes; `search` or `account` is needed."""

    account: str = Field(default="", max_length=LONGEST_SEARCH, description="User name")


class NotePageQuery(NoteQuery, PageParameters):
    """A search and a page."""


class NoteExportQuery(NoteQuery, ExportParameters):
    """Which notes to export, and in which format."""


class NoteAnswer(BaseModel):
    """A note of a person on one of the own requests."""

    usage_id: int
    username: str
    text: str
    updated_at: datetime
    model: str
    requested_at: datetime

    @classmethod
    def of(cls, row: NoteRow) -> Self:
        """Return a note as JSON."""
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


COLUMNS = tuple(NoteAnswer.model_fields)
"""The columns of the export; instants in UTC."""


@router.get("/admin/api/notes", responses=answers(401, 403))
def read_notes(caller: Reader, session: Writing, query: Annotated[NotePageQuery, Query()]) -> ListAnswer[NoteAnswer]:
    """Return one page of the notes that match a search. The audit log gets an entry with the search."""
    wanted, now = query.filter(NOTE_LIST), utc_now()
    note_look(session, caller, wanted, now)
    view = load_note_list(session, caller, wanted, now, query.limit, query.cursor or None)
    return list_answer(view, NoteAnswer.of)


@router.get("/admin/api/notes/export", **export_route(READ, COLUMNS))
def export_notes(caller: Reader, session: Streaming, query: Annotated[NoteExportQuery, Query()]) -> StreamingResponse:
    """Return all notes that match a search, as a file. The audit log gets an entry with the search."""
    wanted, now = query.filter(NOTE_LIST), utc_now()
    run_in_transaction(note_look, caller, wanted, now)
    rows = load_note_rows(session, caller, wanted)
    return export_file("notes", "Notes", COLUMNS, map(_cells, rows), query.format, query.bom, now)


def _cells(row: NoteRow) -> list[Any]:
    return [getattr(row, name) for name in COLUMNS]
