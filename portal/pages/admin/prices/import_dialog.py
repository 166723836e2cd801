"""The dialog that imports LiteLLM's price map; it shows the new prices and their effect before it saves them."""

import asyncio
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from portal.actions.fields import clean_field
from portal.actions.spending.price_import import (
    PriceImport,
    PriceImportPlan,
    import_prices,
    plan_price_import,
    read_price_import,
)
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import InvalidInput, NotSignedIn, PortalError
from portal.pages.admin.prices.price_dialogs import Changed, PriceDialog
from portal.pages.admin.prices.price_preview import PreviewPart
from portal.pages.components import cells
from portal.pages.components.inputs.dialogs import FormDialog
from portal.pages.components.inputs.fields import Notice, switch_row
from portal.pages.components.inputs.file_picker import FilePicker
from portal.pages.components.parts import Text, button, known_facts, tag
from portal.pages.components.table import Column, data_table
from portal.rules.messages import message
from portal.rules.metering.usage import InvalidFilter, parse_day
from portal.rules.spending.price_map import LARGEST_MAP, MapRow
from portal.views.people.accounts import Viewer
from portal.views.spending.price_preview import load_preview
from portal.words import _, plural, say
from portal.words.formats import Formats
from portal.words.numbers import read_price

_MOST_WRONG = 20
_COLUMNS = (
    Column("model", message("Model"), classes="pi-model", cell=cells.name("model")),
    Column("problem", message("Problem"), classes="pi-problem"),
)


class ImportPrices(PriceDialog):
    """Asks for the file, the rate and its day, and which models are wanted."""

    def __init__(self, viewer: Viewer, formats: Formats, changed: Changed) -> None:
        """Draw the dialog closed."""
        super().__init__(viewer, formats, changed)
        self._content: bytes | None = None
        self._dialog = FormDialog("import-prices", _("Import prices"), self._save, reopen=self._reopen)
        self._dialog.window.classes("mp-wide")
        form = self._dialog.form
        with self._dialog.body:
            about = _("LiteLLM’s public price map, model_prices_and_context_window.json, with prices in USD per token.")
            Text("p", about).classes("mp-muted")
            with tag("div", "p-file"):
                self._picks = button(_("Choose a file"))
                self._name = Text("span", "").classes("mp-muted")
                FilePicker(_("Price map"), ".json,application/json", LARGEST_MAP, self._take, self._picks)
            with tag("div", "p-fields p-fields--two"):
                hint = _("Stored with each price.")
                amount: dict[str, Any] = {"inputmode": "decimal", "autocomplete": "off", "suffix": "€"}
                self._rate = form.text("rate", _("EUR for one USD"), hint=hint, **amount)
                self._day = form.text("rate_day", _("Day of this rate"), hint=hint, kind="date")
            with tag("div", "p-fields p-fields--two"):
                hint = _("Names or patterns, separated by commas. Empty: the models used here.")
                self._models = form.text("models", _("Models"), hint=hint, maxlength=2000, autocomplete="off")
                self._draw_begin()
            self._facts = _Facts(formats)
            about = _("Only the right ones get a price.")
            with tag("div") as self._skip_row:
                self._skips = switch_row(_("Leave wrong models out"), about, on=False)
            about = _("Requests, or these tokens of them, cost nothing.")
            with tag("div") as self._free_row:
                self._free = switch_row(_("Prices of 0 are intended"), about, on=False)
            form.says()
            self._problem = Notice()
            self._preview = PreviewPart(formats)
        self._dialog.buttons(_("Import prices"))
        for field in (self._rate, self._day, self._models, self._begins):
            field.control.on_value_change(self._look)

    def open(self) -> None:
        """Open the dialog with empty fields and no file."""
        for field in (self._rate, self._day, self._models, self._begins):
            field.fill("")
        self._skips.value = self._free.value = False
        self._content = None
        self._name.show(_("No file yet"))
        self._problem.clear()
        self._show_nothing()
        self._dialog.begin()

    async def _reopen(self, _subject: str) -> None:
        self.open()

    async def _take(self, name: str, content: bytes | None) -> None:
        self._content = content
        self._name.show(name)
        self._problem.clear()
        if content is None:
            most = self._formats.number(LARGEST_MAP)
            self._problem.say(_("The file is larger than {most} bytes.", most=most), "crit")
        await self._look()

    def _show_nothing(self) -> None:
        super()._show_nothing()
        self._facts.show(None)
        self._skip_row.set_visibility(False)

    def _show_free(self, *, is_free: bool) -> None:
        self._free_row.set_visibility(is_free)

    async def _load(self, now: datetime) -> None:
        """Show what the import would do, if all fields are right."""
        turn = self._turn
        self._problem.clear()
        try:
            wanted = await self._wanted(now)
            plan = await in_reading(plan_price_import, self._viewer.actor, wanted)
            effect = await in_reading(load_preview, self._viewer.actor, plan.prices, now)
        except NotSignedIn:
            raise
        except PortalError as error:
            if turn == self._turn:
                self._show_nothing()
                if isinstance(error, InvalidInput) and error.field == "file" and self._content:
                    self._problem.say(say(error.sentence), "crit")
            return
        if turn == self._turn:
            self._facts.show(plan)
            self._preview.show(effect)
            self._skip_row.set_visibility(bool(plan.wrong))
            self._show_free(is_free=bool(plan.free))

    async def _wanted(self, now: datetime) -> PriceImport:
        """Return what the fields and the file ask for. Raises InvalidInput."""
        if self._content is None:
            raise InvalidInput(message("Choose a file first."), "file")
        rate: Decimal = clean_field("rate", read_price, self._rate.text)
        patterns = [text.strip() for text in self._models.text.split(",") if text.strip()]
        begins = self._valid_from(now)
        return await asyncio.to_thread(read_price_import, self._content, rate, self._rate_day(), patterns, begins)

    def _rate_day(self) -> date:
        try:
            return parse_day(self._day.text, "rate_day")
        except InvalidFilter as error:
            raise InvalidInput(error.sentence, "rate_day") from error

    async def _save(self) -> str:
        now = utc_now()
        wanted = await self._wanted(now)
        skips, is_free_intended = bool(self._skips.value), bool(self._free.value)
        done = await in_transaction(
            import_prices, self._viewer.actor, wanted, now, skip_wrong=skips, confirm_free=is_free_intended
        )
        self._dialog.close()
        count = len(done.prices)
        await self._changed(plural("{count} price was imported.", "{count} prices were imported.", count))
        return ""


class _Facts:
    """What an import would do: numbers, and the first wrong models."""

    def __init__(self, formats: Formats) -> None:
        self._formats = formats
        with tag("div", data_testid="import-plan") as self._element:
            self._facts = known_facts(_("New prices"), _("Unchanged"), _("Wrong models"), _("Other models"))
            self._table = data_table("wrong", _COLUMNS, test_id="wrong-models", label=_("Wrong models"))

    def show(self, plan: PriceImportPlan | None) -> None:
        """Show a plan; None shows nothing."""
        self._element.set_visibility(plan is not None)
        if plan is None:
            for fact in self._facts:
                fact.show("")  # no placeholder in a hidden element
            return
        counts = (len(plan.prices), plan.unchanged, len(plan.wrong), plan.unwanted + plan.others)
        for fact, count in zip(self._facts, counts, strict=True):
            fact.show(self._formats.number(count))
        self._table.set_visibility(bool(plan.wrong))
        self._table.show_rows([self._row(row) for row in plan.wrong[:_MOST_WRONG]])

    def _row(self, row: MapRow) -> dict[str, str]:
        return {"id": row.model, "model": row.model, "problem": "" if row.problem is None else say(row.problem)}
