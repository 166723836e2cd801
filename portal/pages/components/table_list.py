"""Lists of administration: search, filters, a table with sorted headings, a pager, and exports.

To add one:

1. `rules/<package>/<noun>_list.py`: a `ListRules` with the sorted columns, the plain order and the filters.
2. `db/<package>/<noun>_list.py`: a function that returns a `ListQuery` for a `ListFilter`.
3. `views/<package>/<noun>_list.py`: `load_<noun>_list` and `load_<noun>_rows`, which check the reader.
4. `api/admin/<noun>s.py`: the route of the list and that of its export.
5. `pages/admin/<noun>s/`: a subclass of `TableList` with `columns`, `cells` and `draw_filters`, and its styles.
6. `cli/<noun>s.py`: the `list` command, which prints the same with `show_list`.

The accounts are the example: each of these files exists for them.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, TypeVar

from portal.pages.components import cells
from portal.pages.components.filters import Chip, FilterBar
from portal.pages.components.inputs.fields import choice_field
from portal.pages.components.listing import Listing, ListPage, Pager
from portal.pages.components.parts import Text, button, icon, set_props, tag
from portal.pages.components.table import Column, data_table
from portal.rules.lists import ListFilter, ListRules
from portal.rules.messages import Message, message
from portal.views.lists import ListView, is_list_cursor
from portal.views.people.accounts import Viewer
from portal.words import _, say
from portal.words.formats import Formats

Item = TypeVar("Item")

_WAITING_ROWS = 8
_UP, _DOWN = "↑", "↓"


def table_listing(
    path: str, rules: ListRules, load: Callable[..., ListView[Any]], export: str
) -> Listing[ListFilter, ListView[Any]]:
    """Return the listing of a page at `path`; `load` gets session, actor, filter, now, rows per page and cursor."""

    def load_for(session: Any, viewer: Viewer, *others: Any) -> ListView[Any]:
        return load(session, viewer.actor, *others)

    return Listing(
        path=path,
        plain=ListFilter(),
        instead=message("This is the whole list instead."),
        parse=rules.parse,
        is_cursor=lambda cursor, wanted: is_list_cursor(cursor, rules, wanted),
        load=load_for,
        export=export,
        formats=("csv", "xlsx"),
    )


def sorted_column(name: str, label: Message, **others: Any) -> Column:
    """Return a column with a heading that sorts; `name` is the name of its order in the rules of the list."""
    return Column(name, label, heading_cell=cells.sort_button(name), heading_attributes=cells.sorted_by(name), **others)


class TableList(ListPage[ListFilter, ListView[Item]]):
    """An open list. A subclass names its parts, and draws the values of a row.

    `name` is the class of its table in the stylesheet; `label` is the name of the table for screen readers.
    """

    card_id = "list"
    name: str
    test_id: str
    label: Message
    rules: ListRules
    columns: Sequence[Column]
    none_yet: tuple[Message, Message]
    """Title and sentence of the list while it has no rows at all."""
    replaces: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Choices that a choice of a name removes."""
    has_total = False
    """Whether the last row has the sums of all filtered rows, from `state`, by other names than the sorted columns."""

    @abstractmethod
    def draw_filters(self, bar: FilterBar[ListFilter]) -> None:
        """Draw the fields of the filter, named like the choices of the rules."""

    @abstractmethod
    def cells(self, row: Item, now: datetime) -> dict[str, Any]:
        """Return the values of a row for the cells of `columns`, with its `id`."""

    @abstractmethod
    def counted(self, total: int) -> str:
        """Return the number of all rows in words."""

    def draw_between(self) -> None:  # most lists have nothing there
        """Draw elements between the filters and the card."""

    def draw_above(self) -> None:  # most lists have nothing there
        """Draw elements above the table, inside its card."""

    def draw(self) -> None:
        """Draw the filters and the card with room for the rows."""
        self.formats = Formats.of(self.viewer)
        label = _("Filter the list")
        with FilterBar(
            label, self.rules.parse, self.filter, plain=_without_choices, replaces=self.replaces
        ) as self._bar:
            if self.rules.searches:
                self._bar.search("search", _("Search"), _("Part of a text"))
            self._bar.more()
            self.draw_filters(self._bar)
        self._bar.element.classes("mp-filters--list")
        self.draw_between()
        with tag("section", "mp-card", id=self.card_id, aria_label=say(self.label)) as self._card:
            Text("h2", say(self.label)).classes("mp-sr")
            self._draw_order()
            self.draw_above()
            self.table = data_table(
                self.name, self.columns, test_id=self.test_id, label=say(self.label), has_total=self.has_total
            )
            self.table.classes("mp-table--list")
            self.table.on("sort", lambda event: self._sort(event.args))
            self._draw_empty()
            self._pager = Pager(self.formats, self.turn, self.resize, test_id=f"{self.name}-pager")
        self.table.wait(_WAITING_ROWS)

    def show_place(self) -> None:
        """Show the filter of the place."""
        wanted = self.place.wanted
        self._bar.show(wanted, self.texts(wanted), self.chips(wanted))
        column, descending = self.rules.order(wanted)
        order = f"-{column}" if descending else column
        self._order.fill(order if order in self._order.control.options else "")

    def texts(self, wanted: ListFilter) -> dict[str, str]:
        """Return the texts of the fields of a filter."""
        texts = {"search": wanted.search} if self.rules.searches else {}
        return texts | {name: wanted.choice(name) for name in self.rules.choices}

    def chips(self, _wanted: ListFilter) -> Sequence[Chip]:
        """Return a chip for each choice of a filter without a field."""
        return ()

    def show(self, view: ListView[Item], now: datetime) -> None:
        """Show newer rows."""
        set_props(self._card, aria_busy="false")
        self.table.set_visibility(bool(view.rows))
        self.table.show_rows([self.values(row, now) for row in view.rows])
        self.show_state()
        self._show_empty(view)
        self._pager.show(
            view.before + 1,
            len(view.rows),
            self.counted(view.total),
            self.place.limit,
            neighbours=(view.back, view.on),
            steps=(_("Back"), _("Next")),
        )

    def values(self, row: Item, now: datetime) -> dict[str, Any]:
        """Return all values of a row."""
        return self.cells(row, now)

    def state(self) -> dict[str, Any]:
        """Return the values that headings and the last row read, besides the order."""
        return {}

    def show_state(self) -> None:
        """Show the order in the headings, with `state`."""
        column, descending = self.rules.order(self.place.wanted)
        way = "descending" if descending else "ascending"
        order = {name: way if name == column else None for name in self.rules.sorts}
        self.table.show_state(**order, **self.state())

    def wait(self) -> None:
        """Show that other rows are being loaded; the present rows stay until then."""
        set_props(self._card, aria_busy="true")

    def _draw_order(self) -> None:
        """Draw the choice of the order, for phones, where the table has no headings."""
        labels = {column.name: say(column.label) for column in self.columns if column.name in self.rules.sorts}
        options = {f"{sign}{name}": f"{label} {way}" for name, label in labels.items() for sign, way in _WAYS}
        if self.rules.plain not in options:
            options = {"": _("Usual order"), **options}
        plain = self.rules.plain if self.rules.plain in options else ""
        with tag("div", "mp-only-phone mp-list__order") as self._order_place:
            self._order = choice_field(_("Sort by"), options, plain)
        self._order.control.on_value_change(lambda event: self._choose_order(event.value))

    async def _choose_order(self, chosen: object) -> None:
        column, descending = self.rules.order(self.place.wanted)
        if isinstance(chosen, str) and chosen != (f"-{column}" if descending else column):
            sort = "" if chosen == self.rules.plain else chosen
            await self.filter(replace(self.place.wanted, sort=sort))

    async def _sort(self, column: object) -> None:
        if isinstance(column, str):
            await self.filter(self.rules.sorted_by(self.place.wanted, column))

    def _draw_empty(self) -> None:
        with tag("div", "mp-empty", role="status", data_testid="list-empty") as self._empty:
            icon("search")
            self._title, self._why = Text("h3", ""), Text("p", "")
            with tag("div", "mp-empty__ways"):
                self._reset = button(_("Reset filters"), lambda: self.filter(_without_choices(self.place.wanted)))
                self._first = button(_("To the first page"), lambda: self.turn(None))
        self._empty.set_visibility(False)

    def _show_empty(self, view: ListView[Item]) -> None:
        """Show why there are no rows; nothing if there are rows."""
        self._empty.set_visibility(not view.rows)
        self._order_place.set_visibility(bool(view.rows))
        is_filtered = self.place.wanted != _without_choices(self.place.wanted)
        self._reset.set_visibility(is_filtered and not view.total)
        self._first.set_visibility(view.total > 0)
        if view.total:
            self._title.show(_("This page is empty"))
            self._why.show(_("There are fewer rows now."))
        elif is_filtered:
            self._title.show(_("Nothing matches"))
            self._why.show(_("No row has all that the filters ask for."))
        else:
            self._title.show(say(self.none_yet[0]))
            self._why.show(say(self.none_yet[1]))


_WAYS = (("", _UP), ("-", _DOWN))


def _without_choices(wanted: ListFilter) -> ListFilter:
    """Return the plain filter, in the same order."""
    return ListFilter(sort=wanted.sort)
