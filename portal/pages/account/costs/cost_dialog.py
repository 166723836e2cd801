"""The dialog "How": which price applied to which requests of a model, with the formula of each."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from portal.errors import NotFound
from portal.pages.components import cells
from portal.pages.components.inputs.dialogs import Dialog
from portal.pages.components.parts import Text
from portal.pages.components.table import Column, data_table
from portal.rules.messages import message
from portal.rules.metering.figures import Figures
from portal.rules.spending.cost_parts import CostPart, CostParts
from portal.rules.spending.prices import Price, Rates
from portal.rules.spending.pricing import average_price
from portal.words import _, context
from portal.words.formats import NOTHING, Formats

LoadParts = Callable[[str, str], Awaitable[CostParts]]

_LINES = ("prompt", "cached", "completion", "times")
_COLUMNS = (
    Column(
        "price",
        message("Price"),
        classes="h-price",
        cell=cells.lines(cells.name("price"), cells.small(cells.text("since"), given="since")),
        total=cells.text("price"),
    ),
    Column(
        "formula",
        message("Formula"),
        classes="h-formula",
        cell=cells.lines(cells.text("formula"), *(cells.small(cells.text(line), given=line) for line in _LINES)),
        total="",
    ),
    Column("requests", message("Requests"), classes="num h-req"),
    Column("cost", message("Cost"), classes="num h-cost", attributes=cells.exact("exact_cost")),
)


class CostDialog:
    """A table with a row for each price, and the cost of the row of Billing as its total."""

    def __init__(self, load: LoadParts, formats: Formats) -> None:
        """Draw it closed; `load` returns the parts of a row by model and mode, and checks who reads them."""
        self._load = load
        self._formats = formats
        self._dialog = Dialog(_("How the cost is computed"))
        self._dialog.window.classes("mp-wide")
        with self._dialog.body:
            self._table = data_table(
                "how", _COLUMNS, test_id="cost-parts", label=_("Prices of these requests"), has_total=True
            )
            keeps = _(
                "Each request keeps the price of its own time, and is rounded to a billionth of a euro by itself."
            )
            Text("p", keeps).classes("mp-hint")
        with self._dialog.foot:
            self._dialog.cancel(_("Close"))

    async def open(self, model: str, mode: str) -> None:
        """Open it for a row of Billing, if there still are requests of it."""
        try:
            found = await self._load(model, mode)
        except NotFound:
            return
        self._dialog.context.show(_("{model}, {mode}, last 30 days", model=model, mode=mode))
        self._show(found)
        self._dialog.open()

    def _show(self, found: CostParts) -> None:
        rows = [{"id": number, **self._part(part)} for number, part in enumerate(found.parts)]
        if found.rest.requests:
            names = {"price": _("Deleted requests"), "formula": _("Deleted by age; their cost stays.")}
            rows.append({"id": "rest", **names, **self._sums(found.rest)})
        self._table.show_rows(rows)
        self._table.show_state(price=context("sum of a table", "Total"), **self._sums(found.total))

    def _part(self, part: CostPart) -> dict[str, Any]:
        f, price = self._formats, part.price
        if part.is_unpriced:
            about = {"price": _("No price yet"), "formula": _("No price was in force when they were made.")}
        elif price is None:
            average = f.price(average_price(part.figures.tokens, part.figures.cost_nano_eur))
            count = f.number(part.figures.tokens)
            formula = _("{count} billable, {price} each on average", count=count, price=average)
            about = {"price": _("Price of their time"), "formula": formula}
        elif price.rates is None:
            about = self._named(price) | {"formula": self._times("billable", part.figures.tokens, price.eur_per_token)}
        else:
            about = self._named(price) | self._by_kind(part, price.rates)
        return about | self._sums(part.figures)

    def _by_kind(self, part: CostPart, rates: Rates) -> dict[str, str]:
        tokens, f = part.tokens, self._formats
        found = {"formula": _("Per million tokens:"), "prompt": self._times("prompt", tokens.uncached, rates.prompt)}
        if tokens.cached:
            found["cached"] = self._times("cached", tokens.cached, rates.cached)
        found["completion"] = self._times("completion", tokens.completion, rates.completion)
        if part.cost_factor != Decimal(1):
            found["times"] = _("times the cost factor {factor}", factor=f.factor(part.cost_factor))
        return found

    def _times(self, kind: str, count: int, rate: Decimal) -> str:
        f = self._formats
        price = f.price(rate) if kind == "billable" else f.rate(rate)
        texts = {
            "billable": _("{count} billable × {price}", count=f.number(count), price=price),
            "prompt": _("{count} prompt × {price}", count=f.number(count), price=price),
            "cached": _("{count} cached × {price}", count=f.number(count), price=price),
            "completion": _("{count} completion × {price}", count=f.number(count), price=price),
        }
        return texts[kind]

    def _named(self, price: Price) -> dict[str, str]:
        since = "" if price.valid_from is None else _("since {day}", day=self._formats.date_of(price.valid_from))
        return {"price": price.pattern or _("General price"), "since": since}

    def _sums(self, figures: Figures) -> dict[str, str]:
        f = self._formats
        is_unpriced = figures.unpriced == figures.requests > 0
        return {
            "requests": f.number(figures.requests),
            "cost": NOTHING if is_unpriced else f.cost(figures),
            "exact_cost": f.exact_eur(figures.cost_nano_eur),
        }
