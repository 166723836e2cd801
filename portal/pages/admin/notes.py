"""Notes: what people have written on their requests. Each search is in the audit log."""

from datetime import datetime
from typing import Any

from starlette.requests import Request

from portal.actions.metering.note_search import note_look
from portal.clock import utc_now
from portal.db.sql.session import in_transaction
from portal.pages.components import cells
from portal.pages.components.filters import FilterBar
from portal.pages.components.parts import Text, icon, tag
from portal.pages.components.shell.frame import frame
from portal.pages.components.table import Column
from portal.pages.components.table_list import TableList, sorted_column, table_listing
from portal.pages.navigation import NOTES
from portal.pages.routing import PageRouter
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.rules.metering.note_list import NOTE_LIST, is_look
from portal.views.metering.note_list import NoteRow, load_note_list
from portal.web.visitors import Administrator
from portal.words import _, plural

router = PageRouter()

LISTING = table_listing(NOTES.path, NOTE_LIST, load_note_list, "/admin/api/notes/export")

_COLUMNS = (
    sorted_column("updated", message("Changed"), classes="n-updated", attributes=cells.exact("updated_exact")),
    Column("username", message("Account"), classes="n-user", cell=cells.name("username", flows=True)),
    Column("text", message("Note"), classes="n-text"),
    Column("model", message("Model"), classes="n-model", cell=cells.name("model", flows=True)),
    Column("requested", message("Requested"), classes="n-requested", attributes=cells.exact("requested_exact")),
)


@router.page(NOTES.path)
async def notes_page(request: Request, viewer: Administrator) -> None:
    """Let an administrator search in the notes of all people."""
    place, complaint = LISTING.read(request.query_params)
    with frame(NOTES, viewer) as head:
        await NoteList(LISTING, viewer, place).open(head, complaint)


class NoteList(TableList[NoteRow]):
    """The search, and the table of the notes that it finds."""

    name = "notes"
    test_id = "notes-table"
    label = message("Notes")
    rules = NOTE_LIST
    columns = _COLUMNS
    none_yet = (
        message("Search for a text or a person"),
        message("Notes are personal, so that none are shown without a search."),
    )
    _looked: ListFilter | None = None

    def draw(self) -> None:
        """Draw the explanation and the list."""
        with tag("div", "mp-msg mp-msg--info"):
            icon("eye")
            about = _("People write notes for themselves. Each of your searches is recorded in the audit log.")
            Text("div", about)
        super().draw()

    def draw_filters(self, bar: FilterBar[ListFilter]) -> None:
        """Draw the field for a person."""
        bar.search("account", _("Account"), _("User name"))

    def counted(self, total: int) -> str:
        """Return the number of notes in words."""
        return plural("{count} note", "{count} notes", total)

    def cells(self, row: NoteRow, now: datetime) -> dict[str, Any]:
        """Return the values of a note."""
        f = self.formats
        return {
            "id": row.usage_id,
            "updated": f.moment(row.updated_at, now),
            "updated_exact": f.exact(row.updated_at),
            "username": row.username,
            "text": row.text,
            "model": row.model,
            "requested": f.moment(row.requested_at, now),
            "requested_exact": f.exact(row.requested_at),
        }

    async def before_rows(self) -> None:
        """Store the search once, before its first rows are loaded; a refresh and another page are the same look."""
        wanted = self.place.wanted
        if is_look(wanted) and wanted != self._looked:
            await in_transaction(note_look, self.viewer.actor, wanted, utc_now())
        self._looked = wanted
