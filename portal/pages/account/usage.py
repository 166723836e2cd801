"""Usage History: every single request, found by filters that live in the address, page by page from the database."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from nicegui import APIRouter, ui
from starlette.requests import Request

from portal.clock import utc_now
from portal.db.sql.session import in_reading
from portal.pages.account.note_dialog import NoteDialog
from portal.pages.account.usage_card import ROWS, UsageCard
from portal.pages.components.filters import FilterBar
from portal.pages.components.live import Page, open_page, refresh_all
from portal.pages.components.parts import Text, button, icon, set_props, tag
from portal.pages.components.shell.frame import Head, frame
from portal.pages.components.shell.menus import menu
from portal.pages.navigation import USAGE
from portal.rules.usage import InvalidFilter, UsageFilter, parse_filter
from portal.views.accounts import Viewer
from portal.views.usage import UsageView, is_cursor, load_usage
from portal.web.visitors import SignedIn
from portal.words.formats import Formats

router = APIRouter()

_EXPORTS = (("CSV", "csv"), ("Excel", "xlsx"), ("JSON Lines", "jsonl"))
_PLAIN = UsageFilter()
_LONGEST_CURSOR = 500
_TO_THE_TOP = """
    const card = document.getElementById("requests");
    if (card.getBoundingClientRect().top < 0) card.scrollIntoView();
"""


@dataclass(frozen=True, slots=True)
class Place:
    """What an address of this page says: which requests, how many at a time, and from where on."""

    wanted: UsageFilter = _PLAIN
    limit: int = ROWS[0]
    cursor: str | None = None

    @property
    def url(self) -> str:
        """The address that leads here; the plain view has no parameters."""
        params = self.wanted.params()
        if self.limit != ROWS[0]:
            params["rows"] = str(self.limit)
        if self.cursor:
            params["cursor"] = self.cursor
        return f"{USAGE.path}?{urlencode(params)}" if params else USAGE.path


def read_place(params: Mapping[str, str]) -> tuple[Place, str]:
    """Return where an address leads, and a sentence about what in it cannot be read; empty when all can."""
    said = {name: text for name, text in params.items() if name not in {"rows", "cursor"}}
    rows, cursor = params.get("rows") or str(ROWS[0]), params.get("cursor") or None
    try:
        wanted = parse_filter(said)
    except InvalidFilter as error:
        return Place(), f"{error} These are the last {_PLAIN.range} days instead."
    if rows not in map(str, ROWS):
        return Place(wanted), f"A page has {', '.join(map(str, ROWS[:-1]))} or {ROWS[-1]} rows."
    if cursor and (len(cursor) > _LONGEST_CURSOR or not is_cursor(cursor, wanted.order)):
        return Place(wanted, int(rows)), "It leads to no page of this list. This is the first one."
    return Place(wanted, int(rows), cursor), ""


@router.page(USAGE.path)
async def usage_page(request: Request, viewer: SignedIn) -> None:
    """Show the signed-in account its own requests."""
    place, complaint = read_place(request.query_params)
    with frame(USAGE, viewer) as head:
        history = History(viewer, place)
        history.draw(head, complaint)
        await history.follow()


class History:
    """The page at its present place; whatever changes the place changes the address and what is followed."""

    _page: Page[UsageView]

    def __init__(self, viewer: Viewer, place: Place) -> None:
        """Begin at `place`."""
        self._viewer = viewer
        self._place = place
        self._formats = Formats.of(viewer)

    def draw(self, head: Head, complaint: str) -> None:
        """Draw the filters and the card with room for the rows; `complaint` is about the address."""
        self._page = open_page(self._show, head.updated())
        with head.side:
            self._exports = export_menu()
        self._complaint = address_complaint(complaint)
        self._filters = FilterBar(self._place.wanted, self._formats, self._filter)
        self._card = UsageCard(
            self._formats, change=self._filter, turn=self._turn, resize=self._resize, edit=self._notes_of
        )
        self._notes = NoteDialog(self._viewer, self._formats, lambda: refresh_all(self._viewer.id))
        self._show_place()

    async def follow(self) -> None:
        """Load what belongs to the place, and keep it up to date from now on."""
        viewer, place = self._viewer, self._place

        async def load() -> UsageView:
            return await in_reading(load_usage, viewer, place.wanted, utc_now(), place.limit, place.cursor)

        await self._page.follow(("usage", viewer.id, viewer.time_zone, place), load)

    def _show(self, view: UsageView, now: datetime) -> None:
        self._filters.show_view(view.modes, now)
        self._card.show(view, self._place.wanted, self._place.limit, now)

    def _show_place(self) -> None:
        wanted = self._place.wanted
        self._filters.show(wanted, utc_now())
        for kind, link in self._exports.items():
            set_props(link, href=f"/user/api/usage/export?{urlencode({'format': kind, **wanted.params()})}")

    async def _go(self, place: Place) -> None:
        if place == self._place:
            return
        self._place = place
        ui.navigate.history.replace(place.url)
        self._complaint.set_visibility(False)
        self._show_place()
        self._card.wait()
        await self.follow()

    async def _filter(self, wanted: UsageFilter) -> None:
        await self._go(Place(wanted, self._place.limit))

    async def _resize(self, limit: int) -> None:
        await self._go(Place(self._place.wanted, limit))

    async def _turn(self, cursor: str | None) -> None:
        ui.run_javascript(_TO_THE_TOP)
        await self._go(replace(self._place, cursor=cursor))

    async def _notes_of(self, usage_id: object) -> None:
        await self._notes.open(usage_id)


def export_menu() -> dict[str, ui.element]:
    """Draw the button that offers the filtered requests as files; return the link of each format."""
    opener = button("Export", icon="export")
    with menu(opener, "Export", 'anchor="bottom right" self="top right"', classes="mp-menu--small"):
        return {kind: tag("a", "mp-menu__item", name, role="menuitem", download="") for name, kind in _EXPORTS}


def address_complaint(sentence: str) -> ui.element:
    """Draw what is wrong with the address, if anything is."""
    with tag("div", "mp-msg mp-msg--warn", role="alert", data_testid="address-complaint") as message:
        icon("warn")
        with ui.element("div"):
            Text("span", f"Part of this page's address cannot be read. {sentence}")
    message.set_visibility(bool(sentence))
    return message
