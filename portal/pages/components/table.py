"""One real table for all pages: rows are data, cells are templates, and it stays a table when it turns into cards.

Decision: not QTable. NiceGUI compiles its slots anew at every change of the page, whatever has changed, so that all its
rows are new elements: a button in a row loses the focus when a clock elsewhere moves on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from nicegui.element import Element

from portal.pages.components import cells
from portal.pages.components.cells import LABEL
from portal.rules.messages import Message
from portal.words import say


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, classes for all of its cells and for the heading, and what stands in a cell.

    `cell` is a template of `cells`, `attributes` go on the cell; without a template the value of the same name is
    written. `heading_cell` and `heading_attributes` are the same for the heading, which reads the state of the table,
    as does the last row, with the totals: `total` is its template where it differs from `cell`.
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


class DataTable(Element, component="table.js"):
    """A table whose rows keep their elements, and so the focus, for as long as their `id` is shown."""

    def __init__(self, columns: Sequence[Column], label: str, *, has_total: bool) -> None:
        """Draw an empty table; templates must hold no data."""
        super().__init__()
        line = f'<tr role="row" {cells.marked("is-off", "off")}>{"".join(map(_cell, columns))}</tr>'
        footer = f'<tr role="row" class="mp-total">{"".join(map(_total, columns))}</tr>' if has_total else ""
        self._props["label"] = label
        self._props["heading"] = f'<tr role="row">{"".join(map(_heading, columns))}</tr>'
        self._props["line"] = line
        self._props["footer"] = footer
        self._props["width"] = len(columns)
        self._props["waiting"] = 0
        self._props["rows"] = ()
        self._props["state"] = {}

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What is shown, each with an `id`."""
        return list(self._props["rows"])

    def wait(self, count: int) -> None:
        """Show where `count` rows will stand, until there are any."""
        self._props["waiting"] = count

    def show_rows(self, rows: list[dict[str, Any]]) -> None:
        """Put newer rows in place, if they differ."""
        if self._props["waiting"]:
            self._props["waiting"] = 0
        if self.rows != rows:
            self._props["rows"] = tuple(rows)  # not a list: NiceGUI would watch every value in it

    def show_state(self, **state: Any) -> None:
        """Put in place what headings and footer read, if it differs."""
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
    """Draw an empty table; give it rows by `show_rows`, each with an `id`, and the values of its total as its state.

    On a phone it `becomes_cards`. Roles are explicit, since a phone shows rows as grids, and browsers then forget that
    they are rows.
    """
    table = DataTable(columns, label, has_total=has_total)
    table.classes(f"mp-table mp-table--{name}")
    if becomes_cards:
        table.classes("mp-table--rows")
    table.props["data-testid"] = test_id
    return table


def show_rows(table: DataTable, rows: list[dict[str, Any]]) -> None:
    """Put newer rows in place, if they differ."""
    table.show_rows(rows)


def _heading(column: Column) -> str:
    text = escape(say(column.label))
    label = f'<span class="mp-sr">{text}</span>' if column.hidden_label else text
    cell = column.heading_cell.replace(LABEL, text) or label
    attributes = f'class="{column.heading}" {column.heading_attributes}'
    return f'<th scope="col" role="columnheader" {attributes}>{cell}</th>'


def _cell(column: Column) -> str:
    return _drawn(column, column.cell or cells.text(column.name))


def _total(column: Column) -> str:
    return _cell(column) if column.total is None else _drawn(column, column.total)


def _drawn(column: Column, cell: str) -> str:
    label = escape(say(column.label))
    return f'<td role="cell" class="{column.classes}" data-label="{label}" {column.attributes}>{cell}</td>'
