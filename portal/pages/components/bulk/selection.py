"""Lists with rows that are chosen one by one, a page at a time, or all that match the filter.

A subclass has `choice_column()` as its first column, and draws the actions with `draw_actions`. The held events
(`pages/admin/held`) are the example.
"""

from abc import abstractmethod
from collections.abc import Collection
from datetime import datetime
from typing import Any, TypeVar

from portal.pages.components import cells
from portal.pages.components.parts import Text, button, tag
from portal.pages.components.table import Column
from portal.pages.components.table_list import TableList
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.views.lists import ListView
from portal.words import _

Item = TypeVar("Item")


def choice_column() -> Column:
    """Return the column with a box for each row, and one for all rows of the page in its heading."""
    return Column(
        "chosen",
        message("Choose"),
        classes="mp-choose",
        heading="mp-choose",
        cell=cells.check("chosen", "choose"),
        heading_cell=cells.check("every", "choose_page", value="null"),
    )


class SelectableList(TableList[Item]):
    """A list with a bar above its table while rows are chosen; a change of the filter ends the choice."""

    def __init__(self, *args: Any) -> None:
        """Start without chosen rows."""
        super().__init__(*args)
        self._chosen: set[int] = set()
        self._everything = False
        self._total = 0

    @abstractmethod
    def draw_actions(self) -> None:
        """Draw the buttons that change the chosen rows."""

    @abstractmethod
    def chosen_words(self, count: int) -> str:
        """Return how many rows are chosen, in words."""

    @property
    def chosen(self) -> list[int] | None:
        """The ids of the chosen rows in order; None for all that match the filter."""
        return None if self._everything else sorted(self._chosen)

    @property
    def chosen_count(self) -> int:
        """The number of chosen rows."""
        return self._total if self._everything else len(self._chosen)

    def forget_choice(self) -> None:
        """End the choice."""
        self._choose(set())

    async def changed(self, problems: Collection[int]) -> None:
        """Show the list after an action; the rows that could not be changed stay chosen if they are on this page."""
        self.forget_choice()
        await self.refresh()
        self._choose(self._page_ids() & set(problems))

    def draw_above(self) -> None:
        """Draw the bar, hidden until a row is chosen."""
        with tag("div", "mp-bulk", role="group", aria_label=_("Chosen rows"), data_testid="bulk-bar") as self._bulk:
            with tag("div", "mp-bulk__what"):
                self._count = Text("span").props("role=status")
                self._page_button = button(_("Choose this page"), self._choose_page, kind="ghost")
                self._all_button = button("", self._choose_all, kind="ghost")
            with tag("div", "mp-bulk__do"):
                self.draw_actions()
                button(_("Clear"), self.forget_choice, kind="ghost")
        self._bulk.set_visibility(False)

    def draw(self) -> None:
        """Draw the list."""
        super().draw()
        self.table.on("choose", lambda event: self._toggle(event.args))
        self.table.on("choose_page", self._toggle_page, args=[])

    async def filter(self, wanted: ListFilter) -> None:
        """Show the first page of another filter, without chosen rows."""
        self.forget_choice()
        await super().filter(wanted)

    def values(self, row: Item, now: datetime) -> dict[str, Any]:
        """Return the values of a row, and whether it is chosen."""
        values = super().values(row, now)
        return values | {"chosen": self._is_chosen(values["id"]), "choose_label": self.choose_label(row)}

    @abstractmethod
    def choose_label(self, row: Item) -> str:
        """Return the name of the box of a row for screen readers, such as "Choose alice"."""

    def state(self) -> dict[str, Any]:
        """Return the state of the box in the heading."""
        return {"every": self._is_page_chosen(), "choose_page_label": _("Choose all rows of this page")}

    def show(self, view: ListView[Item], now: datetime) -> None:
        """Show newer rows."""
        self._total = view.total
        super().show(view, now)
        self._show_bar()

    def _is_chosen(self, row_id: int) -> bool:
        return self._everything or row_id in self._chosen

    def _is_page_chosen(self) -> bool:
        return self._everything or (bool(self.table.rows) and self._page_ids() <= self._chosen)

    def _page_ids(self) -> set[int]:
        return {row["id"] for row in self.table.rows}

    def _toggle(self, row_id: object) -> None:
        if isinstance(row_id, int) and row_id in self._page_ids():
            now = self._page_ids() if self._everything else self._chosen
            self._choose(now ^ {row_id})

    def _toggle_page(self) -> None:
        self._choose(self._chosen - self._page_ids() if self._is_page_chosen() else self._chosen | self._page_ids())

    def _choose_page(self) -> None:
        self._choose(self._chosen | self._page_ids())

    def _choose_all(self) -> None:
        self._choose(set(), everything=True)

    def _choose(self, chosen: set[int], *, everything: bool = False) -> None:
        self._chosen, self._everything = chosen, everything
        self.table.show_rows([row | {"chosen": self._is_chosen(row["id"])} for row in self.table.rows])
        self.show_state()
        self._show_bar()

    def _show_bar(self) -> None:
        self._bulk.set_visibility(self.chosen_count > 0)
        self._count.show(self.chosen_words(self.chosen_count))
        is_page = self._is_page_chosen()
        self._page_button.set_visibility(not is_page)
        self._all_button.set_visibility(is_page and not self._everything and self._total > len(self._chosen))
        self._all_button.set_text(_("Choose all {count} that match", count=self._total))
