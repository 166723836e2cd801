"""The pager below a list: the shown rows, the number of rows per page, and the neighbouring pages."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from portal.pages.components.listing import ROWS
from portal.pages.components.parts import Text, button, icon_name, set_props, tag, weight_legend
from portal.words import _
from portal.words.formats import Formats


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
