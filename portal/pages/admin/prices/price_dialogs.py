"""Dialogs that enter and end prices; each shows the effect on last month before it is saved."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from nicegui import ui

from portal.actions.fields import clean_field
from portal.actions.spending.prices import end_model_price, enter, general_price, price_of_models
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import InvalidInput
from portal.pages.admin.prices.price_preview import PreviewPart
from portal.pages.components.inputs.dialogs import FormDialog
from portal.pages.components.inputs.fields import Field, switch_row
from portal.pages.components.parts import set_props, tag
from portal.rules.messages import message
from portal.rules.metering.usage import InvalidFilter, parse_day
from portal.rules.periods import start_of_day
from portal.rules.spending.price_list import GENERAL, MODELS
from portal.rules.spending.prices import LONGEST_PATTERN, LONGEST_SOURCE, Price, Rates
from portal.settings import settings
from portal.views.people.accounts import Viewer
from portal.views.spending.price_preview import load_preview
from portal.words import _
from portal.words.formats import Formats, zone_name
from portal.words.numbers import read_price

Changed = Callable[[str], Awaitable[None]]

_PAUSE = 0.4
"""Seconds without typing before a preview is loaded."""


class PriceDialog:
    """A dialog with a first day, and the effect of the price on last month."""

    _dialog: FormDialog
    _begins: "Field[ui.input]"
    _preview: PreviewPart

    def __init__(self, viewer: Viewer, formats: Formats, changed: Changed) -> None:
        """Store what both dialogs need; `changed` gets the sentence about a saved price."""
        self._viewer = viewer
        self._formats = formats
        self._changed = changed
        self._turn = 0

    def _draw_begin(self) -> None:
        zone = zone_name(self._formats.budget_zone)
        hint = _("From midnight, {zone}. Empty: from now on.", zone=zone)
        self._begins = self._dialog.form.text("valid_from", _("Valid from"), hint=hint, kind="date")

    def _valid_from(self, now: datetime) -> datetime:
        """Return the instant at which the price begins. Raises InvalidInput."""
        if not self._begins.text:
            return now.replace(microsecond=0)
        try:
            return start_of_day(parse_day(self._begins.text, "valid_from"), settings().budget_zone)
        except InvalidFilter as error:
            raise InvalidInput(error.sentence, "valid_from") from error

    def _price(self, now: datetime) -> Price:
        """Return the planned price of the fields. Raises InvalidInput."""
        raise NotImplementedError

    async def _look(self) -> None:
        """Load the effect of the present fields, when nothing has been typed for a moment."""
        self._turn += 1
        turn = self._turn
        await asyncio.sleep(_PAUSE)
        if turn != self._turn:
            return
        await self._load(utc_now())

    async def _load(self, now: datetime) -> None:
        """Show the effect of the present fields."""
        turn = self._turn
        try:
            price = self._price(now)
        except InvalidInput:
            self._show_nothing()
            return
        found = await in_reading(load_preview, self._viewer.actor, [price], now)
        if turn == self._turn:
            self._preview.show(found)
            self._show_free(is_free=found.is_free)

    def _show_nothing(self) -> None:
        self._preview.clear()
        self._show_free(is_free=False)

    def _show_free(self, *, is_free: bool) -> None:
        """Show the question about a price of 0."""


class NewPrice(PriceDialog):
    """Asks for a general price, or for one of models."""

    def __init__(self, viewer: Viewer, formats: Formats, changed: Changed) -> None:
        """Draw the dialog closed."""
        super().__init__(viewer, formats, changed)
        self._dialog = FormDialog("new-price", _("New price"), self._save, reopen=self._reopen)
        self._dialog.window.classes("mp-wide")
        form = self._dialog.form
        amount: dict[str, Any] = {"inputmode": "decimal", "autocomplete": "off", "suffix": "€"}
        with self._dialog.body:
            kinds = {MODELS: _("Prices of models"), GENERAL: _("General price")}
            with tag("div", "p-fields p-fields--two"):
                self._kind = form.choice("kind", _("Kind"), kinds, MODELS)
                hint = _("An exact name, or a pattern with * and ?, such as gpt-4*.")
                self._model = form.text("model", _("Model"), hint=hint, maxlength=LONGEST_PATTERN, autocomplete="off")
                self._general = form.text("eur_per_token", _("EUR per billable token"), **amount)
            with tag("div", "p-fields p-fields--three") as self._rates:
                self._prompt = form.text("prompt", _("Prompt, per million tokens"), **amount)
                self._completion = form.text("completion", _("Completion, per million tokens"), **amount)
                hint = _("Empty: as prompt")
                self._cached = form.text("cached", _("Cached prompt, per million tokens"), hint=hint, **amount)
            with tag("div", "p-fields p-fields--two"):
                self._draw_begin()
                self._source = form.text("source", _("Source"), maxlength=LONGEST_SOURCE, autocomplete="off")
            about = _("Requests, or these tokens of them, cost nothing.")
            with tag("div") as self._free_row:
                self._free = switch_row(_("A price of 0 is intended"), about, on=False)
            self._preview = PreviewPart(formats)
            form.says()
        self._dialog.buttons(_("Save price"))
        for field in (self._model, self._general, self._prompt, self._completion, self._cached, self._begins):
            field.control.on_value_change(self._look)
        self._kind.control.on_value_change(self._show_kind)

    def open(self) -> None:
        """Open the dialog with empty fields."""
        for field in (self._model, self._general, self._prompt, self._completion, self._cached, self._begins):
            field.fill("")
        self._source.fill("")
        self._free.value = False
        self._kind.fill(MODELS)
        self._show_fields()
        self._show_nothing()
        self._dialog.begin()

    async def _reopen(self, _subject: str) -> None:
        self.open()

    async def _show_kind(self) -> None:
        self._show_fields()
        await self._look()

    def _show_fields(self) -> None:
        is_general = self._kind.text == GENERAL
        self._general.element.set_visibility(is_general)
        for element in (self._model.element, self._rates, self._source.element):
            element.set_visibility(not is_general)

    def _show_free(self, *, is_free: bool) -> None:
        self._free_row.set_visibility(is_free)

    def _price(self, now: datetime) -> Price:
        begins = self._valid_from(now)
        if self._kind.text == GENERAL:
            return general_price(clean_field("eur_per_token", read_price, self._general.text), begins)
        prompt = clean_field("prompt", read_price, self._prompt.text)
        completion = clean_field("completion", read_price, self._completion.text)
        cached = clean_field("cached", read_price, self._cached.text) if self._cached.text else prompt
        return price_of_models(self._model.text, Rates(prompt, completion, cached), begins, self._source.text)

    async def _save(self) -> str:
        now = utc_now()
        price = self._price(now)
        if price.is_free and not self._free.value:
            self._show_free(is_free=True)
            raise InvalidInput(message("Confirm that a price of 0 is intended."))
        entered = await in_transaction(enter, self._viewer.actor, price, now)
        self._dialog.close()
        saved = _("The price has been saved.") if entered else _("The price book has this price already.")
        await self._changed(saved)
        return ""


class EndPrice(PriceDialog):
    """Asks from when on models have no price of their own."""

    def __init__(self, viewer: Viewer, formats: Formats, changed: Changed) -> None:
        """Draw the dialog closed."""
        super().__init__(viewer, formats, changed)
        self._pattern = ""
        self._dialog = FormDialog("end-price", _("End price"), self._save, reopen=self._reopen)
        self._dialog.window.classes("mp-wide")
        form = self._dialog.form
        with self._dialog.body:
            self._draw_begin()
            self._preview = PreviewPart(formats)
            form.says()
        self._dialog.buttons(_("End price"))
        set_props(self._begins.control, autofocus=True)
        self._begins.control.on_value_change(self._look)

    def open(self, pattern: str) -> None:
        """Open the dialog for the price of a pattern."""
        self._pattern = pattern
        about = _("Then {model} has the price of the next pattern that matches, or the general one.", model=pattern)
        self._dialog.context.show(about)
        self._begins.fill("")
        self._show_nothing()
        self._dialog.begin(pattern)
        ui.timer(0, self._look, once=True)

    async def _reopen(self, subject: str) -> None:
        self.open(subject)

    def _price(self, now: datetime) -> Price:
        return price_of_models(self._pattern, None, self._valid_from(now))

    async def _save(self) -> str:
        now = utc_now()
        await in_transaction(end_model_price, self._viewer.actor, self._pattern, self._valid_from(now), now)
        self._dialog.close()
        await self._changed(_("The price of {model} ends.", model=self._pattern))
        return ""
