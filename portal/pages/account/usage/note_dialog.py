"""The dialog for a note on one request, with the figures of that request above the note."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from portal.actions.metering.notes import write_note
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import PortalError
from portal.pages.components.inputs.dialogs import FormDialog
from portal.pages.components.parts import Text, button, icon_name, set_props, tag
from portal.rules.messages import message
from portal.rules.text import MAX_NOTE
from portal.settings import settings
from portal.views.metering.usage import UsageRow, load_usage_row
from portal.views.people.accounts import Viewer
from portal.words import _, say
from portal.words.formats import Formats

_FACTS = {
    "prompt": message("Prompt"),
    "completion": message("Completion"),
    "raw": message("Total raw"),
    "cached": message("Cached"),
    "reasoning": message("Reasoning"),
    "billable": message("Total billable"),
    "cost": message("Cost"),
    "duration": message("Duration"),
    "status": message("Status"),
}
"""Drawn in rows of three: cached is below prompt, reasoning below completion, billable total below raw total."""


class NoteDialog:
    """One dialog for all rows; it loads the request each time it opens."""

    def __init__(self, viewer: Viewer, formats: Formats, changed: Callable[[], Awaitable[None]]) -> None:
        """Draw it closed; `changed` is awaited when a note was written or deleted."""
        self._viewer = viewer
        self._formats = formats
        self._changed = changed
        self._row: UsageRow | None = None
        self._dialog = FormDialog("note", _("Note"), self._save, reopen=self._reopen)
        set_props(self._dialog.window, data_testid="note-dialog")
        with self._dialog.body:
            self._facts = _draw_facts()
            with ui.element("div"):
                self._text = self._draw_text()
                with tag("p", "mp-hint mp-between"):
                    Text("span", _who_sees())
                    self._count = Text("span", "")
            self._dialog.form.says()
        with self._dialog.foot:
            self._delete = button(_("Delete"), self._delete_note, kind="ghost").classes("mp-btn--danger is-left")
            self._dialog.cancel()
            self._dialog.form.submit(_("Save"))

    async def open(self, usage_id: object) -> None:
        """Open for one of the viewer's own requests; show a message if there is no such request."""
        try:
            number = usage_id if type(usage_id) is int and 0 < usage_id < 2**63 else 0
            row = await in_reading(load_usage_row, self._viewer, number)
        except PortalError as error:
            if not self._dialog.window.is_deleted:
                _tell(say(error.sentence), "crit")
            return
        if self._dialog.window.is_deleted:
            return
        self._show(row)
        self._dialog.begin(str(row.id))

    async def _reopen(self, usage_id: str) -> None:
        await self.open(int(usage_id) if usage_id.isascii() and usage_id.isdigit() and len(usage_id) < 20 else 0)

    def _show(self, row: UsageRow) -> None:
        f = self._formats
        self._row = row
        self._dialog.title.show(_("Edit note") if row.note else _("Add note"))
        what = [row.model, row.template or "", f.moment(row.requested_at, utc_now()), row.key_label or ""]
        self._dialog.context.show(" · ".join(filter(None, what)), title=f.exact(row.requested_at))
        raw = (row.prompt_tokens, row.completion_tokens, row.total_tokens, row.cached_tokens, row.reasoning_tokens)
        counts = [_("Unknown")] * len(raw) if row.without_counts else [f.number(count) for count in raw]
        billed = (f.number(row.billable_tokens), f.cost_of(row.cost_nano_eur))
        values = (*counts, *billed, f.duration(row.latency_ms), row.status)
        for name, value in zip(_FACTS, values, strict=True):
            self._facts[name].show(value, title=value if name == "status" else None)
        factor = _("Total raw × cost factor {factor}", factor=f.factor(row.cost_factor)) if row.cost_factor != 1 else ""
        self._facts["billable"].show(f.number(row.billable_tokens), title=factor)
        self._text.set_value(row.note or "")
        self._show_count()
        self._delete.set_visibility(bool(row.note))

    def _show_count(self) -> None:
        length = len(self._text.value or "")
        self._count.show(f"{self._formats.number(length)} / {self._formats.number(MAX_NOTE)}")
        self._count.classes(add="mp-over" if length > MAX_NOTE else "", remove="" if length > MAX_NOTE else "mp-over")

    async def _save(self) -> str:
        return await self._write(self._text.value or "")

    async def _delete_note(self) -> None:
        await self._dialog.form.run(lambda: self._write(""))

    async def _write(self, text: str) -> str:
        row = self._row
        if row is None:
            return ""
        note = await in_transaction(write_note, self._viewer.actor, row.id, text, utc_now())
        await self._changed()
        if self._dialog.window.is_deleted:
            return ""  # the tab was closed while the note was saved
        self._dialog.close()
        if note or row.note:
            _tell(_("Note saved.") if note else _("Note deleted."), "ok")
        return ""

    def _draw_text(self) -> ui.textarea:
        form = self._dialog.form
        text = ui.textarea(on_change=self._show_count).props("outlined dense autofocus rows=6").classes("mp-note")
        # twice the limit, so that a longer text is refused with a reason instead of being cut without one
        set_props(text, aria_label=_("Note text"), maxlength=2 * MAX_NOTE)
        form.watch("note", text)
        return text.on("keydown.ctrl.enter", form.send, args=[]).on("keydown.meta.enter", form.send, args=[])


def _draw_facts() -> dict[str, Text]:
    facts = {}
    with tag("dl", "mp-note-facts"):
        for name, words in _FACTS.items():
            with ui.element("div"):
                Text("dt", say(words))
                facts[name] = Text("dd", "")
    for name in ("raw", "billable"):
        facts[name].classes("strong")
    return facts


def _tell(sentence: str, kind: str) -> None:
    """Show a message that disappears by itself and does not take the focus; the stylesheet has its colours."""
    ui.notify(
        sentence,
        position="bottom",
        color="mp",
        textColor="mp",
        icon=icon_name(kind),
        classes=f"mp-toast mp-toast--{kind}",
        attrs={"role": "status"},
    )


def _who_sees() -> str:
    if settings().is_desktop:
        return _("It stays on this computer.")
    return _("Other users never see it. Administrators can.")
