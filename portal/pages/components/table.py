"""One real table for all pages: rows are data, cells are templates, and it stays a table when it turns into cards."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nicegui import ui


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, classes for all of its cells and for the heading, and what stands in a cell.

    `cell` is a constant Vue template that reads `props.row`; Vue escapes what it puts in. `attributes` go on the cell.
    """

    name: str
    label: str
    classes: str = ""
    heading: str = ""
    cell: str = ""
    attributes: str = ""
    hidden_label: bool = False


def data_table(
    name: str, columns: Sequence[Column], *, test_id: str, label: str, footer: str = "", becomes_cards: bool = True
) -> ui.table:
    """Draw an empty table; give it rows by `show_rows`, each with an `id`. Templates must hold no data.

    `footer` is a constant template for the last row; `becomes_cards` is what happens on a phone. Roles are spelled out, since a phone lays rows out as grids,
    and browsers then forget that they are rows.
    """
    table = ui.table(
        columns=[{"name": c.name, "label": c.label, "field": c.name} for c in columns],
        rows=[],
        row_key="id",
        pagination={"rowsPerPage": 0},
    )
    table.props("flat hide-pagination hide-bottom").classes(f"mp-table mp-table--{name}")
    if becomes_cards:
        table.classes("mp-table--rows")
    table.props["data-testid"] = test_id
    table.props["data-label"] = label
    table.add_slot("header", f'<q-tr :props="props" role="row">{"".join(map(_heading, columns))}</q-tr>')
    table.add_slot(
        "body",
        f'<q-tr :props="props" role="row" :class="props.row.off ? \'is-off\' : null">{"".join(map(_cell, columns))}</q-tr>',
    )
    if footer:
        table.add_slot("bottom-row", f'<q-tr role="row" class="mp-total">{footer}</q-tr>')
    return table


def show_rows(table: ui.table, rows: list[dict[str, Any]]) -> None:
    """Put newer rows in place, if they differ."""
    if table.rows != rows:
        table.rows = rows


def _heading(column: Column) -> str:
    label = f'<span class="mp-sr">{column.label}</span>' if column.hidden_label else column.label
    return f'<q-th key="{column.name}" scope="col" role="columnheader" class="{column.heading}">{label}</q-th>'


def _cell(column: Column) -> str:
    cell = column.cell or f"{{{{ props.row.{column.name} }}}}"
    return f'<q-td key="{column.name}" role="cell" class="{column.classes}" {column.attributes}>{cell}</q-td>'
