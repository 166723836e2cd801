"""Prices: the price book, and the requests that have no cost."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from nicegui import events
from starlette.requests import Request

from portal.actions.spending.prices import remove_planned_price
from portal.clock import utc_now
from portal.db.sql.session import in_transaction
from portal.pages.admin.prices.import_dialog import ImportPrices
from portal.pages.admin.prices.price_dialogs import EndPrice, NewPrice
from portal.pages.admin.prices.unpriced import UnpricedCard
from portal.pages.components import cells
from portal.pages.components.filters import FilterBar
from portal.pages.components.inputs.dialogs import Confirmation
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.parts import Text, button, icon_name
from portal.pages.components.shell.frame import frame
from portal.pages.components.table import Column
from portal.pages.components.table_list import TableList, sorted_column, table_listing
from portal.pages.navigation import PRICES
from portal.pages.routing import PageRouter
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.rules.spending.price_list import GENERAL, MODELS, PRICE_LIST, PriceStatus
from portal.rules.spending.prices import MILLION
from portal.views.spending.prices import PriceItem, load_price_list
from portal.web.visitors import Administrator
from portal.words import _, plural, say
from portal.words.formats import NOTHING, Formats
from portal.words.labels import PRICE_STATUSES

router = PageRouter()

LISTING = table_listing(PRICES.path, PRICE_LIST, load_price_list, "/admin/api/prices/export")

_ICONS = {PriceStatus.IN_FORCE: "check", PriceStatus.PLANNED: "clock", PriceStatus.ENDED: "ban"}
_MODEL = cells.lines(
    cells.name("model"),
    cells.small(cells.text("about"), given="about"),
    cells.small(cells.text("source_line"), given="source_line"),
)


def _rate(name: str, label: Any, classes: str) -> Column:
    cell = cells.text(name) + cells.on_phone(cells.text(f"{name}_word"))
    return Column(name, label, classes=f"num {classes}", cell=cell)


_COLUMNS = (
    sorted_column("model", message("Model"), classes="p-model", cell=_MODEL),
    sorted_column("valid_from", message("Valid from"), classes="p-from", attributes=cells.exact("from_exact")),
    _rate("prompt", message("Prompt"), "p-prompt"),
    _rate("completion", message("Completion"), "p-completion"),
    _rate("cached", message("Cached"), "p-cached"),
    sorted_column("status", message("Status"), classes="p-status", cell=cells.status()),
    Column(
        "actions",
        message("Actions"),
        classes="p-act num",
        hidden_label=True,
        cell=cells.action("end") + cells.action("remove", danger=True),
    ),
)


@router.page(PRICES.path)
async def prices_page(request: Request, viewer: Administrator) -> None:
    """Show an administrator the price book."""
    place, complaint = LISTING.read(request.query_params)
    with frame(PRICES, viewer) as head:
        await PriceList(LISTING, viewer, place).open(head, complaint)


class PriceList(TableList[PriceItem]):
    """The filters, the table of the prices, the requests without a cost, and the dialogs."""

    name = "prices"
    test_id = "prices-table"
    label = message("Prices")
    rules = PRICE_LIST
    columns = _COLUMNS
    none_yet = (message("No prices"), message("Requests are stored without a cost until there is a price."))

    def draw_side(self) -> None:
        """Draw the buttons of the dialogs for new prices."""
        self._import = button(_("Import"))
        self._new = button(_("New price"), kind="primary", icon="plus").classes("a-adds")

    def draw(self) -> None:
        """Draw the list, the requests without a cost, and the dialogs closed."""
        self._rows: dict[int, PriceItem] = {}
        self._done = Notice()
        super().draw()
        self._unpriced = UnpricedCard(self.viewer, self.formats, self.refresh)
        self._creating = NewPrice(self.viewer, self.formats, self._changed)
        self._new.on_click(self._creating.open)
        self._importing = ImportPrices(self.viewer, self.formats, self._changed)
        self._import.on_click(self._importing.open)
        self._ending = EndPrice(self.viewer, self.formats, self._changed)
        self._removing = Confirmation(_("Keep price"), _("Remove price"), home=self._new)
        self.table.on("end", self._end)
        self.table.on("remove", self._remove)

    def draw_above(self) -> None:
        """Explain the columns."""
        about = _(
            "EUR per million tokens. Each request keeps the price of its own time; a later price never changes it."
        )
        Text("p", about).classes("mp-muted p-about")

    def draw_filters(self, bar: FilterBar[ListFilter]) -> None:
        """Draw the choices of a status and a kind."""
        statuses = {status.value: say(words) for status, words in PRICE_STATUSES.items()}
        bar.choice("status", _("Status"), {"": _("All")} | statuses, names=False)
        kinds = {"": _("All"), GENERAL: _("General price"), MODELS: _("Prices of models")}
        bar.choice("kind", _("Kind"), kinds, names=False)

    def counted(self, total: int) -> str:
        """Return the number of prices in words."""
        return plural("{count} price", "{count} prices", total)

    def show(self, view: Any, now: datetime) -> None:
        """Show newer rows, and the requests without a cost."""
        self._rows = {row.id: row for row in view.rows}
        super().show(view, now)
        self._unpriced.show(view.unpriced)

    def cells(self, row: PriceItem, now: datetime) -> dict[str, Any]:
        """Return the values of a price."""
        f = self.formats
        name = row.model or _("All other models")
        is_open = row.status is PriceStatus.IN_FORCE and row.model is not None
        return {
            "id": row.id,
            "model": name,
            "about": about_price(row, f),
            "source_line": row.source,
            "valid_from": _("Always") if row.valid_from is None else f.moment(row.valid_from, now),
            "from_exact": f.exact(row.valid_from),
            **_rates(row, f),
            "status": say(PRICE_STATUSES[row.status]),
            "icon": icon_name(_ICONS[row.status]),
            "off": row.status is PriceStatus.ENDED,
            "end": _("End") if is_open else "",
            "end_label": _("End the price of {model}", model=name),
            "remove": _("Remove") if row.status is PriceStatus.PLANNED else "",
            "remove_label": _("Remove the planned price of {model}", model=name),
        }

    async def _changed(self, text: str) -> None:
        self._done.say(text)
        await self.refresh()

    def _end(self, event: events.GenericEventArguments) -> None:
        row = self._rows.get(event.args) if isinstance(event.args, int) else None
        if row is not None and row.model is not None:
            self._ending.open(row.model)

    def _remove(self, event: events.GenericEventArguments) -> None:
        row = self._rows.get(event.args) if isinstance(event.args, int) else None
        if row is None:
            return
        name = row.model or _("All other models")

        async def remove() -> None:
            await in_transaction(remove_planned_price, self.viewer.actor, row.id, utc_now())
            await self._changed(_("The planned price of {model} has been removed.", model=name))

        self._done.clear()
        self._removing.ask(
            _("Remove the planned price of {model}?", model=name),
            _("The price before it stays in force. Costs that are stored do not change."),
            remove,
        )


def about_price(row: PriceItem, f: Formats) -> str:
    """Return the line below the name: the general price of a token, or that the price ends."""
    if row.eur_per_token is not None:
        return _("{price} per billable token", price=f.price(row.eur_per_token))
    return _("No price of its own from then on") if row.is_end else ""


def _rates(row: PriceItem, f: Formats) -> dict[str, str]:
    """Return the rates per million tokens; a general price has the same for all kinds."""
    general = None if row.eur_per_token is None else row.eur_per_token * MILLION
    rates: dict[str, Decimal | None] = {"prompt": row.prompt, "completion": row.completion, "cached": row.cached}
    words = {"prompt": _("prompt"), "completion": _("completion"), "cached": _("cached")}
    shown = {
        name: NOTHING if (r := general if rate is None else rate) is None else f.rate(r) for name, rate in rates.items()
    }
    return shown | {f"{name}_word": words[name] for name in words}
