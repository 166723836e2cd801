"""Usage History: the list of an account's requests. The database filters, sorts and pages it."""

from datetime import datetime

from nicegui import APIRouter
from starlette.requests import Request

from portal.clock import utc_now
from portal.pages.account.usage.card import UsageCard
from portal.pages.account.usage.filters import UsageFilters
from portal.pages.account.usage.note_dialog import NoteDialog
from portal.pages.components.listing import Listing, ListPage
from portal.pages.components.live import refresh_all
from portal.pages.components.shell.frame import frame
from portal.pages.navigation import USAGE
from portal.rules.messages import message
from portal.rules.usage import UsageFilter, parse_filter
from portal.views.usage import UsageView, is_cursor, load_usage
from portal.web.visitors import SignedIn
from portal.words.formats import Formats

router = APIRouter()

LISTING = Listing(
    path=USAGE.path,
    plain=UsageFilter(),
    instead=message("These are the last 7 days instead."),
    parse=parse_filter,
    is_cursor=lambda cursor, wanted: is_cursor(cursor, wanted.order),
    load=load_usage,
    export="/user/api/usage/export",
)


@router.page(USAGE.path)
async def usage_page(request: Request, viewer: SignedIn) -> None:
    """Show the signed-in account its own requests."""
    place, complaint = LISTING.read(request.query_params)
    with frame(USAGE, viewer) as head:
        await History(LISTING, viewer, place).open(head, complaint)


class History(ListPage[UsageFilter, UsageView]):
    """The filters, the card with the requests, and the dialog for notes."""

    def draw(self) -> None:
        """Draw the filters and the card with room for the rows."""
        formats = Formats.of(self.viewer)
        self._filters = UsageFilters(formats, self.filter)
        self._card = UsageCard(
            formats,
            change=self.filter,
            turn=self.turn,
            resize=self.resize,
            edit=self._edit_note,
        )
        self._notes = NoteDialog(self.viewer, formats, lambda: refresh_all(self.viewer.id))

    def show_place(self) -> None:
        """Show the filter of the place."""
        self._filters.show(self.place.wanted, utc_now())

    def show(self, view: UsageView, now: datetime) -> None:
        """Show newer requests."""
        self._filters.show_view(view.modes, now)
        self._card.show(view, self.place.wanted, self.place.limit, now)

    def wait(self) -> None:
        """Show that other requests are being loaded."""
        self._card.wait()

    async def _edit_note(self, usage_id: object) -> None:
        await self._notes.open(usage_id)
