"""Lists that the database filters, sorts and pages; the address has the filter and the page of the list.

A list has a `Listing`, which names its address, its filter and its loader, and a subclass of `ListPage`: `draw` draws
the filter bar, the sums, the table and the pager, `show` shows a loaded page in them, `show_place` shows the filter.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar
from urllib.parse import urlencode

from nicegui import ui

from portal.clock import utc_now
from portal.db.sql.session import in_reading
from portal.pages.components.filters import AnyWanted
from portal.pages.components.live import Page, open_page
from portal.pages.components.parts import Text, button, icon, icon_name, set_props, tag, weight_legend
from portal.pages.components.shell.frame import Head
from portal.pages.components.shell.menus import menu
from portal.rules.messages import Message, message
from portal.rules.metering.usage import InvalidFilter
from portal.views.people.accounts import Viewer
from portal.words import _, say
from portal.words.formats import Formats

View = TypeVar("View")

ROWS = (25, 50, 100)
"""The possible numbers of rows on a page of a list; the first is the default."""
_FORMATS = {"csv": "CSV", "xlsx": "Excel", "jsonl": "JSON Lines", "pdf": "PDF"}
_LONGEST_CURSOR = 500
_TO_THE_TOP = """
    const card = document.getElementById("%s");
    if (card.getBoundingClientRect().top < 0) card.scrollIntoView();
"""


@dataclass(frozen=True, slots=True)
class Place(Generic[AnyWanted]):
    """A page of a list, as its address names it: the filter, the rows per page, and the cursor of the first row."""

    wanted: AnyWanted
    limit: int = ROWS[0]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Listing(Generic[AnyWanted, View]):
    """The address, filter and loader of a list.

    `plain` is the filter of an address without parameters; `instead` says that it is shown in place of an invalid one.
    `load` gets session, viewer, filter, now, rows per page, and the cursor. `export` is the address of the files, which
    it has in the `formats`; without formats the page has no export.
    """

    path: str
    plain: AnyWanted
    instead: Message
    parse: Callable[[Mapping[str, str]], AnyWanted]
    is_cursor: Callable[[str, AnyWanted], bool]
    load: Callable[..., View]
    export: str
    formats: tuple[str, ...] = ("csv", "xlsx", "jsonl")

    def read(self, params: Mapping[str, str]) -> tuple[Place[AnyWanted], Message | None]:
        """Return the place of an address, and a sentence about an invalid part of the address."""
        filters = {name: text for name, text in params.items() if name not in {"rows", "cursor"}}
        rows, cursor = params.get("rows") or str(ROWS[0]), params.get("cursor") or None
        try:
            wanted = self.parse(filters)
        except InvalidFilter as error:
            return Place(self.plain), message("{problem} {instead}", problem=error.sentence, instead=self.instead)
        if rows not in map(str, ROWS):
            return Place(wanted), message("A page has 25, 50 or 100 rows.")
        if cursor and (len(cursor) > _LONGEST_CURSOR or not self.is_cursor(cursor, wanted)):
            return Place(wanted, int(rows)), message("It leads to no page of this list. This is the first one.")
        return Place(wanted, int(rows), cursor), None

    def url(self, place: Place[AnyWanted]) -> str:
        """Return the address of a place; the plain list has no parameters."""
        params = place.wanted.params()
        if place.limit != ROWS[0]:
            params["rows"] = str(place.limit)
        if place.cursor:
            params["cursor"] = place.cursor
        return f"{self.path}?{urlencode(params)}" if params else self.path


class ListPage(ABC, Generic[AnyWanted, View]):
    """An open list. A change of its place changes the address, and loads other rows."""

    card_id = "requests"
    """The id of the card with the rows, which is scrolled to its start when the page is turned."""
    _page: Page[View]

    def __init__(self, listing: Listing[AnyWanted, View], viewer: Viewer, place: Place[AnyWanted]) -> None:
        """Start at `place`."""
        self.listing = listing
        self.viewer = viewer
        self.place = place

    @abstractmethod
    def draw(self) -> None:
        """Draw the filters, and skeletons for the rows."""

    @abstractmethod
    def show_place(self) -> None:
        """Show the filter of the place."""

    @abstractmethod
    def show(self, view: View, now: datetime) -> None:
        """Show newer rows."""

    @abstractmethod
    def wait(self) -> None:
        """Show that other rows are being loaded."""

    def draw_side(self) -> None:  # most lists have none
        """Draw buttons beside the menu of exports."""

    def export_params(self) -> dict[str, str]:
        """Return the parameters of the address of a file with all filtered rows."""
        return self.place.wanted.params()

    async def before_rows(self) -> None:  # most lists have nothing to do
        """Do what must be done before rows of another place are loaded; a refresh loads the same place again."""

    async def refresh(self) -> None:
        """Load the rows again at once, after an action."""
        await self._page.refresh(at_once=True)

    async def open(self, head: Head, complaint: Message | None) -> None:
        """Draw the page, load its rows, and keep them up to date; `complaint` is about the address."""
        self._page = open_page(self.show, head.updated())
        with head.side:
            self._exports = export_menu(self.listing.formats) if self.listing.formats else {}
            self.draw_side()
        self._complaint = address_complaint(complaint)
        self.draw()
        self._show_place()
        await self._follow()

    async def filter(self, wanted: AnyWanted) -> None:
        """Show the first page of another filter."""
        await self._go(Place(wanted, self.place.limit))

    async def resize(self, limit: int) -> None:
        """Show the first page with another number of rows."""
        await self._go(Place(self.place.wanted, limit))

    async def turn(self, cursor: str | None) -> None:
        """Show another page of the same list; None is the first."""
        ui.run_javascript(_TO_THE_TOP % self.card_id)
        await self._go(replace(self.place, cursor=cursor))

    async def _go(self, place: Place[AnyWanted]) -> None:
        if place == self.place:
            return
        self.place = place
        ui.navigate.history.replace(self.listing.url(place))
        self._complaint.set_visibility(False)
        self._show_place()
        self.wait()
        await self._follow()

    async def _follow(self) -> None:
        await self.before_rows()
        listing, viewer, place = self.listing, self.viewer, self.place

        async def load() -> View:
            return await in_reading(listing.load, viewer, place.wanted, utc_now(), place.limit, place.cursor)

        reader = viewer.acting.admin_id if viewer.acting else viewer.id
        await self._page.follow((listing.path, viewer.id, reader, viewer.time_zone, place), load)

    def _show_place(self) -> None:
        self.show_place()
        for kind, link in self._exports.items():
            params = {"format": kind, **self.export_params()}
            set_props(link, href=f"{self.listing.export}?{urlencode(params)}")


def export_menu(formats: Sequence[str], opener: ui.button | None = None) -> dict[str, ui.element]:
    """Draw the menu that exports the filtered rows to files, or other files; return the link of each format."""
    opener = opener or button(_("Export"), icon="export")
    with menu(opener, opener.text, 'anchor="bottom right" self="top right"', classes="mp-menu--small"):
        return {kind: tag("a", "mp-menu__item", _FORMATS[kind], role="menuitem", download="") for kind in formats}


def address_complaint(sentence: Message | None) -> ui.element:
    """Draw the message about an invalid address; hidden without a sentence."""
    with tag("div", "mp-msg mp-msg--warn", role="alert", data_testid="address-complaint") as place:
        icon("warn")
        with ui.element("div"):
            problem = say(sentence) if sentence else ""
            Text("span", _("The address of this page is not quite right. {problem}", problem=problem))
    place.set_visibility(sentence is not None)
    return place


class SumStrip:
    """A row of cells with the sums of all filtered rows, not only of this page."""

    _FITS_A_THIRD = 11
    """Characters of a sum up to which three cells fit beside each other on a phone."""

    def __init__(self, test_id: str) -> None:
        """Draw no cell yet; use it as a context that draws the cells."""
        self._strip = tag("dl", "mp-strip", data_testid=test_id)
        self._values: list[Text] = []

    def __enter__(self) -> "SumStrip":
        """Draw the following cells in the strip."""
        self._strip.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """End the strip."""
        self._strip.__exit__(*error)

    def add(self, name: str, *, is_main: bool = False, href: str = "", title: str = "") -> None:
        """Draw the name of a sum, with room for its value; `href` is the address of an explanation."""
        with tag("div", "is-main" if is_main else ""):
            if href:
                with tag("dt", ""):
                    tag("a", "mp-plain", name, href=href, title=title)
            else:
                Text("dt", name)
            self._values.append(Text("dd", skeleton=80))

    def show(self, *values: str) -> None:
        """Show newer values, in the order of the names."""
        for text, value in zip(self._values, values, strict=True):
            text.show(value)
        is_long = max(map(len, values)) > self._FITS_A_THIRD
        self._strip.classes(add="mp-strip--long" if is_long else "", remove="" if is_long else "mp-strip--long")


class Pager:
    """Buttons to the page before and the page after; hidden while there are no rows."""

    def __init__(
        self,
        formats: Formats,
        turn: Callable[[str | None], Awaitable[None]],
        resize: Callable[[int], Awaitable[None]],
        *,
        test_id: str,
        legend: str = "",
    ) -> None:
        """Draw it hidden; `legend` explains the lines under the rows."""
        self._formats = formats
        self._resize = resize
        self._limit = ROWS[0]
        self._before: str | None = None
        self._after: str | None = None
        with tag("div", "mp-pager", data_testid=test_id) as self._element:
            with tag("p", role="status"):
                self._count = Text("span", "")
                Text("span", _("Times in {zone}", zone=formats.zone.key)).classes("mp-pager__zone")
            if legend:
                weight_legend(legend)
            self._draw_size()
            with tag("div", "mp-pager__steps"):
                self._back = button(_("Newer"), lambda: turn(self._before), icon="left")
                self._on = button(_("Older"), lambda: turn(self._after)).props(f'icon-right="{icon_name("right")}"')
        self._element.set_visibility(False)

    def show(
        self,
        first: int,
        rows: int,
        of: str,
        limit: int,
        neighbours: tuple[str | None, str | None],
        steps: tuple[str, str],
    ) -> None:
        """Show which rows these are; `of` is the number of all rows in words, `steps` the texts of the two buttons.

        The step back from the second page has no cursor: it leads to the first page with its newest rows.
        """
        f, (before, after) = self._formats, neighbours
        self._limit = limit
        self._before = before if first > limit + 1 else None
        self._after = after
        self._element.set_visibility(rows > 0)
        shown = {"first": f.number(first), "last": f.number(first + rows - 1)}
        self._count.show(_("{first} – {last} of {all}", **shown, all=of))
        self._size.set_value(limit)
        for step, name, cursor in zip((self._back, self._on), steps, neighbours, strict=True):
            step.set_text(name)
            step.set_enabled(cursor is not None)

    def _draw_size(self) -> None:
        with tag("div", "mp-pager__size p-rows"):
            label = Text("label", _("Rows"))
            self._size = ui.select(list(ROWS), value=ROWS[0], on_change=lambda event: self._choose(event.value))
            self._size.props("outlined dense options-dense behavior=menu")
            set_props(self._size, for_=self._size.html_id, aria_label=_("Rows"), dropdown_icon=icon_name("down"))
            set_props(label, for_=self._size.html_id)

    async def _choose(self, limit: object) -> None:
        if isinstance(limit, int) and limit != self._limit:
            await self._resize(limit)
