"""The table of single requests: figures for reading down, errors and notes for finding."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from portal.pages.components.names import name_cell
from portal.pages.components.parts import icon_name, mode_number
from portal.pages.components.table import Column, DataTable, data_table
from portal.rules.periods import day_of
from portal.rules.usage import Order
from portal.views.usage import UsageRow
from portal.words.formats import NOTHING, Formats

_LONGEST_TOOLTIP = 300
_LEDGER_LINE = 0.1
"""Share of the page's largest total from which a row's hairline is drawn thicker."""


def _icon(name: str) -> str:
    return f'<q-icon class="mp-i" name="{icon_name(name)}" aria-hidden="true" />'


_SORT = (
    '<button type="button" class="mp-sort" @click="$parent.$emit(\'sort\', \'{column}\')"><span>{label}</span>'
    f"{_icon('down')}</button>"
)
_TIME = (
    '<span v-if="props.row.is_today" class="mp-not-phone">Today </span>{{ props.row.time }}'
    '<span v-if="props.row.seconds" class="u-sec">{{ props.row.seconds }}</span>'
)
_MODEL = (
    f'<span class="mp-cell2"><span class="u-name">{name_cell("model")}'
    '<span v-if="props.row.note" class="u-note" :title="props.row.note" role="img" aria-label="Has a note">'
    f"{_icon('note')}</span></span>"
    '<small v-if="props.row.provider_model || props.row.template" class="mp-names">'
    f'<template v-if="props.row.provider_model">{name_cell("provider_model", flows=True)}</template>'
    '<span v-if="props.row.provider_model && props.row.template"> · </span>'
    f'<template v-if="props.row.template">{name_cell("template", flows=True)}</template></small></span>'
)
_KEY = (
    '<span v-if="props.row.label" class="mp-badge mp-badge--line" :title="props.row.key_title">'
    f"{name_cell('label', flows=True)}</span>"
    '<span v-else-if="props.row.prefix" class="mp-mono" :title="props.row.key_title">{{ props.row.prefix }}</span>'
    f"<template v-else>{NOTHING}</template>"
)
_MODE = f'<span class="mp-badge mp-mode" :data-mode="props.row.colour">{name_cell("mode", flows=True)}</span>'
_UNKNOWN = (
    f'<span title="Tokens unknown"><span aria-hidden="true">{NOTHING}</span><span class="mp-sr">unknown</span></span>'
)


def _count(name: str) -> str:
    known = f'<template v-if="props.row.is_counted">{{{{ props.row.{name} }}}}</template>'
    return f"{known}<template v-else>{_UNKNOWN}</template>"


_TOTAL = (
    f'<span v-if="!props.row.is_counted">{_UNKNOWN}</span>'
    '<span v-else class="mp-cell2"><span class="strong">{{ props.row.total }}</span>'
    '<small v-if="props.row.billable">{{ props.row.billable }}<span class="mp-not-phone"> billable</span></small>'
    "</span>"
)
_STATUS = (
    f'<span v-if="props.row.is_ok" class="mp-level" data-level="normal">{_icon("check")}ok</span>'
    f'<span v-else class="mp-badge mp-badge--crit">{name_cell("status", flows=True)}</span>'
)
_EDIT = (
    '<button type="button" class="mp-icon" :aria-label="props.row.edit" :title="props.row.note ? \'Edit note\' : '
    f"'Add note'\" @click=\"$parent.$emit('edit', props.row.id)\">{_icon('pencil')}</button>"
)
_WEIGHT = (
    ":style=\"props.row.weight ? {'--w': props.row.weight} : null\" "
    ":class=\"{'mp-weigh--peak': props.row.weight > 0.5}\""
)
_COLUMNS = (
    Column(
        "time",
        "Timestamp",
        classes="u-time",
        heading="th-time",
        cell=_TIME,
        attributes=':title="props.row.exact"',
        heading_cell=_SORT.format(column="time", label="Timestamp"),
        heading_attributes=':aria-sort="props.row.time"',
    ),
    Column("model", "Model / Template", classes="u-model", cell=_MODEL),
    Column("key", "API Key", classes="u-key", heading="th-key", cell=_KEY),
    Column("mode", "Mode", classes="u-mode", heading="th-mode", cell=_MODE),
    Column("prompt", "Prompt", classes="num u-p", heading="num th-num", cell=_count("prompt")),
    Column("completion", "Completion", classes="num u-c", heading="num th-num", cell=_count("completion")),
    Column(
        "total",
        "Total",
        classes="num u-total mp-weigh",
        heading="num th-total",
        cell=_TOTAL,
        attributes=_WEIGHT,
        heading_cell=_SORT.format(column="total", label='Total<span class="mp-only-phone">&nbsp;raw / billable</span>'),
        heading_attributes=':aria-sort="props.row.total"',
    ),
    Column("status", "Status", classes="u-status", heading="th-status", cell=_STATUS),
    Column("edit", "Note", classes="u-edit", hidden_label=True, cell=_EDIT),
)
_SORTED = {
    Order.NEWEST: {"time": "descending", "total": None},
    Order.OLDEST: {"time": "ascending", "total": None},
    Order.LARGEST: {"time": None, "total": "descending"},
}
_NEXT = {
    "time": {Order.NEWEST: Order.OLDEST, Order.OLDEST: Order.NEWEST, Order.LARGEST: Order.NEWEST},
    "total": {Order.NEWEST: Order.LARGEST, Order.OLDEST: Order.LARGEST, Order.LARGEST: Order.NEWEST},
}


def next_order(column: object, order: Order) -> Order:
    """Return the order after a click on the heading of a column; an unknown column changes nothing."""
    return _NEXT.get(column, {}).get(order, order) if isinstance(column, str) else order


class UsageTable:
    """The requests of one page of the list."""

    def __init__(self, formats: Formats, sort: Callable[[object], Any], edit: Callable[[object], Any]) -> None:
        """Draw the headings; `sort` is told the column whose heading was pressed, `edit` the id of a request."""
        self._formats = formats
        self._figure_width = 0
        self.element: DataTable = data_table("usage", _COLUMNS, test_id="usage-table", label="Requests")
        self.element.on("sort", lambda event: sort(event.args))
        self.element.on("edit", lambda event: edit(event.args))

    def show(self, rows: Sequence[UsageRow], order: Order, now: datetime) -> None:
        """Put newer rows in place, if they differ."""
        largest = max((row.total_tokens for row in rows), default=0)
        in_minute = Counter(_minute(row) for row in rows)
        self.element.show_state(**_SORTED[order])
        cells = [self._cells(row, largest, in_minute[_minute(row)] > 1, now) for row in rows]
        self._leave_room(cells)
        self.element.show_rows(cells)

    def _leave_room(self, cells: Sequence[dict[str, Any]]) -> None:
        """Tell the stylesheet how wide the figures are; on a phone they stand beside lines of text."""
        width = max((len(each["total"]) for each in cells), default=1)
        if width != self._figure_width:
            self._figure_width = width
            self.element.style(f"--figure: {width}ch")

    def _cells(self, row: UsageRow, largest: int, shares_minute: bool, now: datetime) -> dict[str, Any]:
        f, moment = self._formats, self._formats.moment(row.requested_at, now)
        is_today = day_of(row.requested_at, f.zone) == day_of(now, f.zone)
        share = row.total_tokens / largest if largest else 0
        return {
            "id": row.id,
            "is_today": is_today,
            "time": moment.removeprefix("Today ") if is_today else moment,
            "seconds": f":{row.requested_at:%S}" if shares_minute else "",
            "exact": f.exact(row.requested_at),
            "model": row.model,
            "provider_model": row.provider_model or "",
            "template": row.template or "",
            "note": _shortened(row.note or ""),
            "label": row.key_label or "",
            "prefix": f"{row.key_prefix[:12]}…" if row.key_prefix else "",
            "key_title": ", ".join(filter(None, (row.key_label, f"{row.key_prefix}…" if row.key_prefix else ""))),
            "mode": row.mode,
            "colour": mode_number(row.mode),
            "is_counted": not row.without_counts,
            "prompt": f.number(row.prompt_tokens),
            "completion": f.number(row.completion_tokens),
            "total": f.number(row.total_tokens),
            "billable": f.number(row.billable_tokens) if row.billable_tokens != row.total_tokens else "",
            "weight": round(share, 3) if share >= _LEDGER_LINE else None,
            "is_ok": row.status == "ok",
            "status": row.status,
            "edit": f"{'Edit' if row.note else 'Add'} note, {row.model}, {moment}",
        }


def _minute(row: UsageRow) -> datetime:
    """Return the minute in which a request was made; zones differ by whole minutes."""
    return row.requested_at.replace(second=0, microsecond=0)


def _shortened(note: str) -> str:
    """Return as much of a note as a tooltip holds; the dialog has all of it."""
    return note if len(note) <= _LONGEST_TOOLTIP else f"{note[:_LONGEST_TOOLTIP].rstrip()}…"
