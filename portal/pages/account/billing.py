"""Billing: the cost, the state of each budget, the consumption by model, and the alert settings."""

from datetime import datetime
from decimal import Decimal

from nicegui import events, ui

from portal.clock import utc_now
from portal.db.sql.session import in_reading
from portal.pages.account.alerts import AlertsCard
from portal.pages.account.budget_table import BudgetTable
from portal.pages.account.costs.cost_dialog import CostDialog, LoadParts
from portal.pages.addresses import BILLABLE, requests_url
from portal.pages.components import cells
from portal.pages.components.charts.chart import day_boundary
from portal.pages.components.live import live
from portal.pages.components.parts import Text, icon, set_props, tag, weight_legend
from portal.pages.components.shell.frame import frame
from portal.pages.components.table import Column, data_table
from portal.pages.navigation import BILLING, PROFILE, USAGE
from portal.pages.routing import PageRouter
from portal.rules.messages import message
from portal.rules.metering.figures import Figures, total
from portal.rules.metering.usage import Counts
from portal.rules.spending.cost_parts import CostParts
from portal.rules.spending.prices import Price
from portal.rules.spending.pricing import average_price, cost_nano_eur, costs_at
from portal.settings import settings
from portal.views.spending.billing import BillingView, load_billing
from portal.views.spending.budget import BudgetsView
from portal.views.spending.cost_parts import load_cost_parts
from portal.views.spending.summary import SummaryView
from portal.web.visitors import SignedIn
from portal.words import _, context, plural
from portal.words.formats import NOTHING, Formats, zone_name

router = PageRouter()

_TOKENS = cells.lines(cells.text("tokens"), cells.small(cells.text("raw"), given="raw"))
_REQUESTS = cells.lines(
    cells.link(cells.not_on_phone(cells.text("requests")) + cells.on_phone(cells.text("counted_requests"))),
    cells.small(cells.text("without"), given="without"),
)
_MODEL_COLUMNS = (
    Column("model", message("Model"), classes="m-model", cell=cells.name("model"), total=cells.text("model")),
    Column("mode", message("Mode"), classes="m-mode", cell=cells.mode(), total=""),
    Column("tokens", message("Tokens"), classes="num m-tok mp-weigh", attributes=cells.WEIGHT, cell=_TOKENS),
    Column("requests", message("Requests"), classes="num m-req", cell=_REQUESTS),
    Column("cost", message("Cost"), classes="num m-cost", attributes=cells.exact("exact_cost")),
    Column("how", message("Actions"), classes="num m-how", hidden_label=True, cell=cells.action("how"), total=""),
)


@router.page(BILLING.path)
async def billing_page(viewer: SignedIn) -> None:
    """Show the signed-in account its consumption and cost."""
    formats = Formats.of(viewer)

    async def load() -> BillingView:
        return await in_reading(load_billing, viewer.id, utc_now())

    async def load_parts(model: str, mode: str) -> CostParts:
        return await in_reading(load_cost_parts, viewer.id, model, mode, utc_now())

    with frame(BILLING, viewer) as head:
        budgets = BudgetTable(formats)
        sums = SummaryCards(formats)
        models = ModelTable(load_parts, formats)
        with tag("div", "mp-two"):
            cost = CostCalculation(formats)
            alerts = AlertsCard(viewer, formats)

        def show(view: BillingView, now: datetime) -> None:
            budgets.show(view.budgets, now)
            sums.show(view.summary, view.budgets)
            models.show(view.summary)
            cost.show(view.summary)
            alerts.show(view, now)

        await live(("billing", viewer.id), load, show, head.updated())


class SummaryCards:
    """Cards with the tokens of this month, all tokens, and all requests."""

    def __init__(self, formats: Formats, *, usage: str = USAGE.path) -> None:
        """Draw the cards with room for their figures; `usage` is the address of the list of requests."""
        self._formats = formats
        self._usage = usage
        with tag("div", "mp-cards"):
            self._month = _SumCard("month", _("Tokens this month"), _("billable"))
            self._tokens = _SumCard("tokens", _("Total tokens"), _("billable"))
            self._requests = _SumCard("requests", _("Total requests"), link_test_id="without-counts")

    def show(self, view: SummaryView, budgets: BudgetsView) -> None:
        """Show newer figures."""
        f, card = self._formats, self._month
        of_month, of_all = (requests_url(view.days, self._usage) for view in (budgets.monthly, budgets.total))
        card.show(f.number(view.month.tokens), of_month, f.cost(view.month))
        leads_to = of_month if view.month.requests else None
        card.say(f"{raw}, " if (raw := f.raw(view.month)) else "", f.requests(view.month.requests), leads_to)
        card = self._tokens
        card.show(f.number(view.total.tokens), of_all, f.cost(view.total))
        card.say(", ".join(filter(None, (f.raw(view.total), self._since(view)))))
        card = self._requests
        card.show(f.number(view.total.requests), of_all)
        without = view.total.without_counts
        unknown = requests_url(budgets.total.days, self._usage, counts=Counts.UNKNOWN) if without else None
        comma = ", " if without else ""
        card.say(self._average(view.total) + comma, _without_counts(without), unknown)

    def _since(self, view: SummaryView) -> str:
        f = self._formats
        if view.since is None:
            return _("nothing used yet")
        zone = f" {zone_name(f.budget_zone)}" if f.zones_differ else ""
        return _("since {day}", day=f"{f.day(view.since)}{zone}")

    def _average(self, figures: Figures) -> str:
        counted = figures.requests - figures.without_counts
        if not counted:
            return NOTHING
        average = (2 * figures.tokens + counted) // (2 * counted)
        return plural("{count} billable token each on average", "{count} billable tokens each on average", average)


class _SumCard:
    """One sum: a figure that leads to its requests, what they cost, and a line below."""

    def __init__(self, name: str, title: str, unit: str = "", *, link_test_id: str = "") -> None:
        with tag("section", "mp-card mp-sum", data_testid=f"summary-{name}", aria_label=title):
            with tag("div", "mp-budget__title"):
                Text("h2", title)
                Text("span", unit).classes("mp-budget__when")
            with tag("div", "mp-budget__row"):
                self._figure = Text("a", skeleton=168).classes("mp-num")
                self._cost = Text("span", "").classes("mp-pct")
            with ui.element("p"), ui.element("span"):
                self._text = Text(skeleton=180)
                self._link = Text("a", "")
        if link_test_id:
            self._link.props["data-testid"] = link_test_id

    def show(self, figure: str, href: str, cost: str = "") -> None:
        self._figure.show(figure, title=_("Show these requests"))
        set_props(self._figure, href=href)
        self._cost.show(cost)

    def say(self, text: str, link: str = "", href: str | None = None) -> None:
        self._text.show(text)
        self._link.show(link)
        set_props(self._link, href=href)


class ModelTable:
    """A table of the consumption by model and mode, with the exact sum in its last row."""

    def __init__(self, load: LoadParts, formats: Formats, *, usage: str = USAGE.path) -> None:
        """Draw the card with an empty table, and the dialog about the cost of a row closed.

        `load` returns the parts of the cost of a row; `usage` is the address of the list of requests.
        """
        self._formats = formats
        self._usage = usage
        self._how = CostDialog(load, formats)
        with tag("section", "mp-card", aria_label=_("Consumption by Model")):
            with tag("div", "mp-card__head mp-card__head--table"):
                with ui.element("div"):
                    Text("h2", _("Consumption by Model"))
                    self._days = Text("p", skeleton=220).classes("mp-card__sub")
                self._count = Text("span", "").classes("mp-card__sub mp-count-of")
            self._table = data_table(
                "model", _MODEL_COLUMNS, test_id="model-table", label=_("Consumption by Model"), has_total=True
            )
            about = _("Each model appears here with its first request.")
            self._table.when_empty("chart", _("No requests in the last 30 days"), about)
            self._table.on("how", self._explain)
            with tag("div", "mp-zones mp-zones--card mp-zones--two"):
                self._zones = Text("span", "")
                self._legend = weight_legend(_("Share of the largest row"))

    def show(self, view: SummaryView) -> None:
        """Show newer rows."""
        f, days, parts = self._formats, view.model_days, view.by_model
        self._days.show(_("Last 30 days, {days}. Billable tokens.", days=f.days(days)))
        self._count.show(plural("{count} row", "{count} rows", len(parts)) if parts else "")
        self._zones.show(day_boundary(days.last, f))
        self._legend.set_visibility(bool(parts))
        largest = max((part.figures.tokens for part in parts), default=0)
        self._table.show_rows(
            [
                {
                    "id": f"{part.mode}\n{part.model}",
                    "model": part.model,
                    **cells.mode_values(part.mode),
                    "href": requests_url(days, self._usage, model=part.model, mode=part.mode),
                    "weight": cells.weight(part.figures.tokens, largest),
                    "how": _("How"),
                    "how_label": _("How the cost of {model}, {mode}, is computed", model=part.model, mode=part.mode),
                    **self._cells(part.figures),
                }
                for part in parts
            ]
        )
        sums = self._cells(total(part.figures for part in parts))
        self._table.show_state(model=context("sum of a table", "Total"), href=requests_url(days, self._usage), **sums)

    async def _explain(self, event: events.GenericEventArguments) -> None:
        mode, _newline, model = str(event.args).partition("\n")
        await self._how.open(model, mode)

    def _cells(self, figures: Figures) -> dict[str, str]:
        f = self._formats
        return {
            "tokens": f.number(figures.tokens),
            "raw": f.raw(figures),
            "requests": f.number(figures.requests),
            "counted_requests": f.requests(figures.requests),
            "without": _without_counts(figures.without_counts),
            "cost": f.cost(figures),
            "exact_cost": f.exact_eur(figures.cost_nano_eur),
        }


class CostCalculation:
    """An explanation of the cost: the price in force, and this month's figures as the example."""

    def __init__(self, formats: Formats) -> None:
        """Draw the formula with room for its figures."""
        self._formats = formats
        with tag("section", "mp-card", data_testid="cost-calculation", aria_label=_("How the cost is computed")):
            with tag("div", "mp-card__head"):
                Text("h2", _("How the cost is computed"))
            with tag("div", "mp-card__body mp-explained"):
                with tag("div", "mp-eq"):
                    self._tokens, _name = _term(_("billable this month"))
                    Text("span", "×")
                    self._price, self._price_name = _term(_("per token"))
                    self._equals = Text("span", "=")
                    self._cost, _name = _term(_("cost this month"), "is-sum")
                self._mixed = Text("p", "").classes("mp-muted")
                with tag("p", "mp-muted", id=BILLABLE.partition("#")[2]):
                    _draw_billable(formats)
                with tag("p", "mp-faint mp-small"):
                    self._since = Text("span", "")
                    keeps = _("Each request keeps the price of its own time; a later price never changes it.")
                    Text("span", f" {keeps}")
                if settings().is_desktop:
                    with tag("p"), tag("a", "mp-more", href=f"{PROFILE.path}#price"):
                        Text("span", _("Change the price"))
                        icon("arrow")
        self._mixed.set_visibility(False)

    def show(self, view: SummaryView) -> None:
        """Show newer figures."""
        f, month, price = self._formats, view.month, view.price
        self._tokens.show(f.number(month.tokens))
        self._cost.show(f.cost(month), title=f.exact_eur(month.cost_nano_eur))
        paid = _paid(price, month)
        is_plain = price is not None and paid == price.eur_per_token and not month.unpriced
        is_exact = not month.unpriced and costs_at(paid, month.tokens, month.requests, month.cost_nano_eur)
        self._price.show(f.price(paid))
        self._price_name.show(_("per token") if is_plain else _("per token on average"))
        self._equals.show("=" if is_exact else "≈")
        self._mixed.set_visibility(not is_plain)
        self._mixed.show("" if is_plain else self._why(price, month))
        if price is None:
            text = _("No price is in force; requests cost nothing until an administrator enters one.")
            if settings().is_desktop:
                text = _("No price is in force; requests cost nothing until you enter one.")
            self._since.show(text, title="")
            return
        amount = f.price(price.eur_per_token)
        if price.valid_from is None:
            text = _("The price of {price} per token has been in force since the portal began.", price=amount)
        else:
            begun = f.date_of(price.valid_from)
            text = _("The price of {price} per token has been in force since {day}.", price=amount, day=begun)
        self._since.show(text, title=f.exact(price.valid_from))

    def _why(self, price: Price | None, month: Figures) -> str:
        if month.unpriced and settings().is_desktop:
            return plural(
                "{count} request of this month came while no price was in force, and costs nothing.",
                "{count} requests of this month came while no price was in force, and cost nothing.",
                month.unpriced,
            )
        if month.unpriced:
            return plural(
                "{count} request of this month came while no price was in force, and costs nothing yet. "
                "An administrator can still price it.",
                "{count} requests of this month came while no price was in force, and cost nothing yet. "
                "An administrator can still price them.",
                month.unpriced,
            )
        if price is None:
            return _("No price is in force now; earlier requests keep the price of their own time.")
        return _(
            "Not all of this month’s requests were made at today’s price. "
            "At that price alone the month would cost {cost}.",
            cost=self._formats.eur(cost_nano_eur(month.tokens, price.eur_per_token)),
        )


def _draw_billable(f: Formats) -> None:
    """Draw the explanation of billable and raw tokens; a word between asterisks is bold."""
    text = _(
        "*Billable* tokens are the *raw* ones, prompt and completion, times the cost factor of the template or gateway "
        "that ran the request: with factor {factor}, {raw} raw tokens are {billable} billable ones. "
        "Budgets and cost count billable tokens.",
        factor=f.factor(Decimal("1.25")),
        raw=10_000,
        billable=12_500,
    )
    for number, part in enumerate(text.split("*")):
        Text("b", part).classes("mp-term") if number % 2 else Text("span", part)


def _without_counts(requests: int) -> str:
    """Return how many requests came without token counts; "" if there are none."""
    return plural("{count} without counts", "{count} without counts", requests) if requests else ""


def _paid(price: Price | None, month: Figures) -> Decimal:
    """Return the price per token this month: the one in force if all tokens were billed at it, else the average."""
    if price and costs_at(price.eur_per_token, month.tokens, month.requests, month.cost_nano_eur):
        return price.eur_per_token
    return average_price(month.tokens, month.cost_nano_eur)


def _term(name: str, classes: str = "") -> tuple[Text, Text]:
    """Draw one term of the formula, and return its figure and its name."""
    with tag("div", classes):
        return Text("b", skeleton=96), Text("small", name)
