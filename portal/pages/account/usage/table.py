"""The table of requests in Usage History. Its columns show the fields of `portal.db.metering.usage.UsageRow`."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from portal.pages.components import cells
from portal.pages.components.table import Column, DataTable, data_table
from portal.rules.messages import message
from portal.rules.metering.usage import Order
from portal.rules.periods import day_of
from portal.settings import settings
from portal.views.metering.usage import UsageRow
from portal.words import _, context
from portal.words.formats import NOTHING, Formats

_LONGEST_TOOLTIP = 300
_TIME = (
    cells.template(cells.not_on_phone(cells.text("today")), given="today")
    + cells.text("time")
    + cells.span(cells.text("seconds"), "u-sec", given="seconds")
)
_MODEL = cells.lines(
    cells.span(cells.name("model") + cells.sign("note", "note", "u-note"), "u-name"),
    cells.small(
        cells.template(cells.name("provider_model", flows=True), given="provider_model")
        + cells.span(" · ", given="both_names")
        + cells.template(cells.name("template", flows=True), given="template"),
        given="other_name",
        classes="mp-names",
    ),
)
_KEY = cells.first_of(
    ("label", cells.badge(cells.name("label", flows=True), "line", title="key_title")),
    ("prefix", cells.span(cells.text("prefix"), "mp-mono", title="key_title")),
    otherwise=NOTHING,
)
_TOTAL = cells.lines(
    cells.span(cells.text("total"), "strong"),
    cells.small(cells.text("billable") + cells.not_on_phone(cells.text("billable_word")), given="billable"),
)
_STATUS = cells.first_of(
    ("is_ok", cells.level("check", cells.text("status"))),
    otherwise=cells.badge(cells.name("status", flows=True), "crit"),
)
_COLUMNS = (
    Column(
        "time",
        message("Timestamp"),
        classes="u-time",
        heading="th-time",
        cell=_TIME,
        attributes=cells.exact("exact"),
        heading_cell=cells.sort_button("time"),
        heading_attributes=cells.sorted_by("time"),
    ),
    Column("model", message("Model / Template"), classes="u-model", cell=_MODEL),
    Column("key", message("API Key"), classes="u-key", heading="th-key", cell=_KEY),
    Column("mode", message("Mode"), classes="u-mode", heading="th-mode", cell=cells.mode()),
    Column("prompt", message("Prompt"), classes="num u-p", heading="th-num", cell=cells.known("prompt")),
    Column("completion", message("Completion"), classes="num u-c", heading="th-num", cell=cells.known("completion")),
    Column(
        "total",
        message("Total"),
        classes="num u-total mp-weigh",
        heading="th-total",
        cell=cells.first_of(("unknown", cells.span(cells.unknown())), otherwise=_TOTAL),
        attributes=cells.WEIGHT,
        heading_cell=cells.sort_button("total", cells.on_phone("&nbsp;" + cells.text("of_total"))),
        heading_attributes=cells.sorted_by("total"),
    ),
    Column("status", message("Status"), classes="u-status", heading="th-status", cell=_STATUS),
    Column("edit", message("Note"), classes="u-edit", hidden_label=True, cell=cells.icon_action("pencil", "edit")),
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

    def __init__(self, formats: Formats, sort: Callable[[object], Any], edit: Callable[[object], Any] | None) -> None:
        """Draw the headings; `sort` gets the column of a pressed heading, `edit` the id of a request.

        Without `edit` there are no notes.
        """
        self._formats = formats
        self._figure_width = 0
        self.element: DataTable = data_table(
            "usage", _COLUMNS if edit else _COLUMNS[:-1], test_id="usage-table", label=_("Requests")
        )
        if settings().is_desktop:  # its programs have no API keys, and their modes tell them apart
            self.element.classes("mp-no-keys")
        self.element.on("sort", lambda event: sort(event.args))
        if edit is not None:
            self.element.on("edit", lambda event: edit(event.args))

    def show(self, rows: Sequence[UsageRow], order: Order, now: datetime) -> None:
        """Show newer rows if they differ."""
        largest = max((row.total_tokens for row in rows), default=0)
        in_minute = Counter(_minute(row) for row in rows)
        self.element.show_state(of_total=_("raw / billable"), **_SORTED[order])
        cells = [self._cells(row, largest, in_minute[_minute(row)] > 1, now) for row in rows]
        self._leave_room(cells)
        self.element.show_rows(cells)

    def _leave_room(self, cells: Sequence[dict[str, Any]]) -> None:
        """Pass the width of the figures to the stylesheet; on a phone they are beside lines of text."""
        width = max((len(each["total"]) for each in cells), default=1)
        if width != self._figure_width:
            self._figure_width = width
            self.element.style(f"--figure: {width}ch")

    def _cells(self, row: UsageRow, largest: int, shares_minute: bool, now: datetime) -> dict[str, Any]:
        f, moment = self._formats, self._formats.moment(row.requested_at, now)
        is_today = day_of(row.requested_at, f.zone) == day_of(now, f.zone)
        clock = f"{row.requested_at.astimezone(f.zone):%H:%M}"
        is_unknown = row.without_counts
        return {
            "id": row.id,
            "today": moment.removesuffix(clock) if is_today else "",
            "time": clock if is_today else moment,
            "seconds": f":{row.requested_at:%S}" if shares_minute else "",
            "exact": f.exact(row.requested_at),
            **_names(row),
            **_note(row, moment),
            **_key(row),
            **cells.mode_values(row.mode),
            "unknown": _("unknown") if is_unknown else "",
            "unknown_title": _("Tokens unknown") if is_unknown else "",
            "prompt": f.number(row.prompt_tokens),
            "completion": f.number(row.completion_tokens),
            "total": f.number(row.total_tokens),
            "billable": f.number(row.billable_tokens) if row.billable_tokens != row.total_tokens else "",
            "billable_word": "\u00a0" + context("tokens", "billable"),
            "weight": cells.weight(row.total_tokens, largest),
            "is_ok": row.status == "ok",
            "status": row.status,
        }


def _names(row: UsageRow) -> dict[str, object]:
    """Return the requested model, and the model and template that answered if they are known."""
    provider_model, template = row.provider_model or "", row.template or ""
    return {
        "model": row.model,
        "provider_model": provider_model,
        "template": template,
        "both_names": bool(provider_model and template),
        "other_name": bool(provider_model or template),
    }


def _note(row: UsageRow, moment: str) -> dict[str, object]:
    """Return a note as a tooltip, and the label of the button beside it."""
    return {
        "note": _shortened(row.note or ""),
        "note_label": _("Has a note") if row.note else "",
        "edit": _edit_label(row, moment),
        "edit_title": _("Edit note") if row.note else _("Add note"),
    }


def _edit_label(row: UsageRow, moment: str) -> str:
    if row.note:
        return _("Edit note, {model}, {moment}", model=row.model, moment=moment)
    return _("Add note, {model}, {moment}", model=row.model, moment=moment)


def _key(row: UsageRow) -> dict[str, object]:
    """Return the label and the prefix of a key."""
    prefix = row.key_prefix
    return {
        "label": row.key_label or "",
        "prefix": f"{prefix[:12]}…" if prefix else "",
        "key_title": ", ".join(filter(None, (row.key_label, f"{prefix}…" if prefix else ""))),
    }


def _minute(row: UsageRow) -> datetime:
    """Return the minute in which a request was made; zones differ by whole minutes."""
    return row.requested_at.replace(second=0, microsecond=0)


def _shortened(note: str) -> str:
    """Return a note cut to the length of a tooltip; the dialog shows all of it."""
    return note if len(note) <= _LONGEST_TOOLTIP else f"{note[:_LONGEST_TOOLTIP].rstrip()}…"
