"""The table of all pages: rows are data, cells are templates, and cards on a phone are still rows of a table.

Decision: not QTable. NiceGUI compiles its slots again at every change of the page, so all of its rows become new
elements: a button in a row loses the focus when any other text of the page changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from nicegui.element import Element

from portal.pages.components import cells
from portal.pages.components.cells import LABEL
from portal.pages.components.parts import empty
from portal.rules.messages import Message
from portal.words import say


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, classes for its cells and for the heading, and the template of its cells.

    Cells of the class `num` are numbers or actions at the right edge; the heading gets this class too.

    `cell` is a template of `cells`; without one the cell shows the value with the name of the column. `attributes` are
    those of the cell. `heading_cell` and `heading_attributes` are the same for the heading. `total` is the template of
    the last row, which has the totals, if it differs from `cell`. Heading and last row read the state of the table.
    A cell lies below as many headings as it `spans`; a column that spans 0 is only the heading of a cell before it.
    """

    name: str
    label: Message | str
    classes: str = ""
    heading: str = ""
    cell: str = ""
    attributes: str = ""
    hidden_label: bool = False
    heading_cell: str = ""
    heading_attributes: str = ""
    total: str | None = None
    spans: int = 1


class DataTable(Element, component="table.js"):
    """A table that keeps the elements of a row, and so the focus, while the `id` of the row is shown."""

    def __init__(self, columns: Sequence[Column], label: str, *, total_id: str = "") -> None:
        """Draw an empty table; templates must not have data in them. A last row with totals has the test id."""
        super().__init__()
        line = f'<tr role="row" {cells.marked("is-off", "off")}>{"".join(map(_cell, columns))}</tr>'
        total = f'<tr role="row" class="mp-total" data-testid="{total_id}">{"".join(map(_total, columns))}</tr>'
        self._props["label"] = label
        self._props["heading"] = f'<tr role="row">{"".join(map(_heading, columns))}</tr>'
        self._props["line"] = line
        self._props["footer"] = total if total_id else ""
        self._props["width"] = len(columns)
        self._props["waiting"] = 0
        self._props["rows"] = ()
        self._props["state"] = {}
        self._empty: Element | None = None

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The shown rows, each with an `id`."""
        return list(self._props["rows"])

    def wait(self, count: int) -> None:
        """Show `count` skeletons in place of rows until rows are shown."""
        self._props["waiting"] = count

    def when_empty(self, icon: str, title: str, sentence: str) -> Element:
        """Draw the message that replaces the table while it has no rows. Use it as a context for a button below."""
        self._empty = empty(icon, title, sentence)
        self._empty.set_visibility(False)
        return self._empty

    def show_rows(self, rows: list[dict[str, Any]]) -> None:
        """Show newer rows if they differ; without rows, the message of `when_empty` if there is one."""
        if self._empty is not None:
            self.set_visibility(bool(rows))
            self._empty.set_visibility(not rows)
        if self._props["waiting"]:
            self._props["waiting"] = 0
        if self.rows != rows:
            self._props["rows"] = tuple(rows)  # not a list, in which NiceGUI would observe every value

    def show_state(self, **state: Any) -> None:
        """Set the values that headings and the last row read, if they differ."""
        if self._props["state"] != state:
            self._props["state"] = state


def data_table(
    name: str,
    columns: Sequence[Column],
    *,
    test_id: str,
    label: str,
    has_total: bool = False,
    becomes_cards: bool = True,
) -> DataTable:
    """Draw an empty table. `show_rows` sets its rows, each with an `id`, `show_state` the values of its total.

    On a phone it `becomes_cards`. Roles are explicit, since browsers drop the role of a row that is drawn as a grid.
    """
    table = DataTable(columns, label, total_id=f"{test_id.removesuffix('-table')}-total" if has_total else "")
    table.classes(f"mp-table mp-table--{name}")
    if becomes_cards:
        table.classes("mp-table--rows")
    table.props["data-testid"] = test_id
    return table


def _heading(column: Column) -> str:
    text = escape(say(column.label))
    label = f'<span class="mp-sr">{text}</span>' if column.hidden_label else text
    cell = column.heading_cell.replace(LABEL, text) or label
    classes = f"num {column.heading}".rstrip() if "num" in column.classes.split() else column.heading
    attributes = f'class="{classes}" {column.heading_attributes}'
    return f'<th scope="col" role="columnheader" {attributes}>{cell}</th>'


def _cell(column: Column) -> str:
    return _drawn(column, column.cell or cells.text(column.name))


def _total(column: Column) -> str:
    return _cell(column) if column.total is None else _drawn(column, column.total)


def _drawn(column: Column, cell: str) -> str:
    if not column.spans:
        return ""
    label = escape(say(column.label))
    attributes = f'{column.attributes} colspan="{column.spans}"' if column.spans > 1 else column.attributes
    return f'<td role="cell" class="{column.classes}" data-label="{label}" {attributes}>{cell}</td>'
