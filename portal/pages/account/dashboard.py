"""The dashboard: the budgets, the usage of the last 14 days, the active keys and the expert template."""

from collections.abc import Sequence
from datetime import datetime

from nicegui import ui

from portal.clock import utc_now
from portal.db.sql.session import in_reading
from portal.pages.account.budget_cards import BudgetBanner, BudgetCard
from portal.pages.account.requests.asking import Requests
from portal.pages.components import cells
from portal.pages.components.charts.chart import UsageChart
from portal.pages.components.lead_to_steps import LeadToSteps
from portal.pages.components.live import live
from portal.pages.components.names import Name
from portal.pages.components.parts import Text, empty, icon, tag
from portal.pages.components.shell.frame import frame
from portal.pages.components.table import Column, data_table
from portal.pages.components.welcome import connect_program
from portal.pages.navigation import CONNECT, DASHBOARD, KEYS
from portal.pages.routing import PageRouter
from portal.rules.messages import message
from portal.rules.periods import Period, day_of
from portal.settings import settings
from portal.views.dashboard import DashboardView, load_dashboard
from portal.views.people.keys import KeyView
from portal.views.templates import CategoryView, TemplateView
from portal.web.visitors import SignedIn
from portal.words import _
from portal.words.formats import Formats

router = PageRouter()

_KEY_COLUMNS = (
    Column("prefix", message("Key prefix"), cell=cells.span(cells.text("prefix") + "…", "mp-mono")),
    Column("label", message("Label"), cell=cells.name("label")),
    Column("last_used", message("Last used"), classes="num", attributes=cells.exact("last_used_exact")),
)


@router.page(DASHBOARD.path)
async def dashboard_page(viewer: SignedIn) -> None:
    """Show the signed-in account its own figures."""
    formats = Formats.of(viewer)

    async def load() -> DashboardView:
        return await in_reading(load_dashboard, viewer.id, utc_now())

    with frame(DASHBOARD, viewer) as head:
        welcome = Welcome() if settings().is_desktop else None
        lead = LeadToSteps()
        banner = BudgetBanner(formats)
        with tag("div", "mp-cards"):
            cards = {period: BudgetCard(period, formats) for period in Period}
        requests = None if settings().is_desktop else Requests(viewer, formats, cards)
        chart = UsageChart(formats)
        keys = None
        with tag("div", "" if settings().is_desktop else "mp-two"):
            if not settings().is_desktop:
                keys = ActiveKeys(formats)
            experts = ExpertConfiguration(formats)

        def show(view: DashboardView, now: datetime) -> None:
            if welcome:
                welcome.show(is_new=not view.budgets.total.figures.requests)
            head.subtitle(formats.long_day(day_of(now, formats.zone)))
            lead.show(view.first_steps)
            banner.show(view.budgets, now)
            for budget in view.budgets.all:
                cards[budget.period].show(budget, now)
            if requests:
                requests.show(view.budgets, view.requests, now)
            chart.show(view.days, view.budgets.daily.budget.limit)
            if keys:
                keys.show(view.keys, now)
            experts.show(view.template)

        await live(("dashboard", viewer.id), load, show, head.updated())


class Welcome:
    """The first card of the desktop program until a program has reported a request: it leads to Connect."""

    def __init__(self) -> None:
        """Draw it hidden."""
        with tag("section", "mp-card", data_testid="welcome", aria_label=_("Nothing counted yet")) as self._card:
            about = _("Connect Ollama, LiteLLM or another program, and its requests are counted here.")
            connect_program(CONNECT.icon, _("Nothing counted yet"), about, heading="h2")
        self._card.set_visibility(False)

    def show(self, *, is_new: bool) -> None:
        """Show it while there are no requests."""
        self._card.set_visibility(is_new)


class ActiveKeys:
    """The active keys, and a link to all keys."""

    def __init__(self, formats: Formats) -> None:
        """Draw the card with an empty table."""
        self._formats = formats
        with tag("section", "mp-card", data_testid="active-keys", aria_label=_("Active API Keys")):
            with tag("div", "mp-card__head mp-card__head--table"):
                Text("h2", _("Active API Keys"))
                with tag("a", "mp-more", href=KEYS.path):
                    Text("span", _("Manage keys"))
                    icon("arrow")
            self._table = data_table(
                "mini", _KEY_COLUMNS, test_id="active-keys-table", label=_("Active API Keys"), becomes_cards=False
            )
            about = _("Create a key and give it to a program. It appears here with its last use.")
            with self._table.when_empty("key", _("No keys yet"), about):
                with tag("a", "mp-btn mp-btn--primary", href=f"{KEYS.path}?create=1"):
                    icon("plus")
                    Text("span", _("Create key"))

    def show(self, keys: Sequence[KeyView], now: datetime) -> None:
        """Show newer rows."""
        f = self._formats
        self._table.show_rows(
            [
                {
                    "id": key.id,
                    "prefix": key.prefix,
                    "label": key.label,
                    "last_used": f.moment(key.last_used_at, now) if key.last_used_at else _("Never"),
                    "last_used_exact": f.exact(key.last_used_at),
                }
                for key in keys
            ]
        )


class ExpertConfiguration:
    """The expert template in use: the models that answer each category of question, and the cost factor."""

    def __init__(self, formats: Formats) -> None:
        """Draw the card without a template."""
        self._formats = formats
        self._shown: TemplateView | None = None
        name = _("My Expert Configuration")
        with tag("section", "mp-card mp-column", data_testid="expert-config", aria_label=name) as self._card:
            with tag("div", "mp-card__head"):
                with ui.element("div"):
                    Text("h2", name)
                    self._name = Text("p", "").classes("mp-card__sub")
                self._factor = Text("span", "").classes("mp-badge mp-badge--line")
            self._body = ui.element("div")
        self._draw(None)

    def show(self, template: TemplateView | None) -> None:
        """Draw the template again if it has changed."""
        if template != self._shown:
            self._draw(template)

    def _draw(self, template: TemplateView | None) -> None:
        self._shown = template
        self._name.show(template.name if template else "")
        has_factor = template is not None and template.cost_factor != 1
        self._factor.set_visibility(has_factor)
        if template is not None:
            self._factor.show(_("Cost factor {factor}", factor=self._formats.factor(template.cost_factor)))
        self._body.clear()
        if settings().is_desktop:  # nobody assigns a template there, but a restored backup may have one
            self._card.set_visibility(template is not None)
        with self._body:
            if template is None:
                empty(
                    "list",
                    _("No expert template"),
                    _("Your requests use each gateway's own choice of models. An administrator can assign a template."),
                )
            else:
                _categories(template.categories)


def _categories(categories: Sequence[CategoryView]) -> None:
    with tag("div", "mp-card__body"), tag("dl", "mp-experts"):
        for category in categories:
            with ui.element("div"):
                Text("dt", category.name)
                for model in category.models:
                    with ui.element("dd"):
                        name, label = ("lock", _("Required")) if model.required else ("shuffle", _("Optional"))
                        icon(name, label=label).classes("is-req" if model.required else "")
                        with tag("span", "mp-model mp-mono"):
                            Name(model.model, flows=True)
                            if model.endpoint:
                                Name(f"@{model.endpoint}", flows=True).element.classes("mp-faint")
    with tag("div", "mp-card__foot"):
        for name, label in (("lock", _("Required")), ("shuffle", _("Optional, used as a fallback"))):
            with tag("span", "mp-legend"):
                icon(name)
                Text("span", label)
