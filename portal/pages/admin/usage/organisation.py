"""Organisation Usage: who used what over any range, with the chart, the sums, and the ways to the requests."""

from datetime import date, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from portal.clock import utc_now
from portal.pages.admin.usage.chart import OrganisationChart, unit_label
from portal.pages.admin.usage.requests import PATH as REQUESTS
from portal.pages.admin.usage.scope import ScopeList
from portal.pages.components import cells
from portal.pages.components.filters import FilterBar
from portal.pages.components.listing import export_menu
from portal.pages.components.parts import button, set_props
from portal.pages.components.shell.frame import frame
from portal.pages.components.table_list import sorted_column, table_listing
from portal.pages.navigation import ORGANISATION
from portal.pages.routing import PageRouter
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.rules.metering.figures import Figures
from portal.rules.metering.organisation import (
    TIMES,
    USAGE_LIST,
    Grouping,
    Measure,
    group_params,
    grouping_of,
    measure_of,
    month_days,
    scope_of,
    scope_params,
)
from portal.rules.periods import DayRange, day_of
from portal.settings import settings
from portal.views.metering.organisation import OrganisationView, UsageGroup, load_organisation
from portal.web.visitors import Administrator
from portal.words import _, context, plural, say
from portal.words.usage import GROUPINGS, MEASURES, group_label

router = PageRouter()

LISTING = table_listing(
    ORGANISATION.path, USAGE_LIST, partial(load_organisation, with_chart=True), "/admin/api/usage/export"
)
_GROUP = cells.lines(cells.name("group"), cells.small(cells.name("about", flows=True), given="about"))
_REQUESTS = cells.link(cells.not_on_phone(cells.text("count")) + cells.on_phone(cells.text("counted")))


def _linked(field: str) -> str:
    return cells.link(cells.text(field), again=True)


_COLUMNS = (
    sorted_column("key", message("Group"), classes="o-group", cell=_GROUP, total=cells.text("all")),
    sorted_column("requests", message("Requests"), classes="num o-requests", cell=_REQUESTS),
    sorted_column("prompt_tokens", message("Prompt"), classes="num o-prompt", cell=_linked("prompt")),
    sorted_column("completion_tokens", message("Completion"), classes="num o-completion", cell=_linked("completion")),
    sorted_column(
        "tokens",
        message("Billable"),
        classes="num o-tokens mp-weigh",
        attributes=cells.WEIGHT,
        cell=cells.span(_linked("billable"), "strong"),
    ),
    sorted_column(
        "cost", message("Cost"), classes="num o-cost", cell=_linked("costs"), attributes=cells.exact("exact_cost")
    ),
)


@router.page(ORGANISATION.path)
async def organisation_page(request: Request, viewer: Administrator) -> None:
    """Show an administrator the usage of the organisation."""
    place, complaint = LISTING.read(request.query_params)
    with frame(ORGANISATION, viewer) as head:
        await OrganisationUsage(LISTING, viewer, place).open(head, complaint)


class OrganisationUsage(ScopeList[UsageGroup]):
    """The filters, the chart, and the table of the groups with their total."""

    name = "org-usage"
    test_id = "org-usage-table"
    label = message("Usage by group")
    rules = USAGE_LIST
    columns = _COLUMNS
    none_yet = (message("No usage in this range"), message("Choose other days, or fewer filters."))
    has_total = True

    def draw_side(self) -> None:
        """Draw the menu with the monthly report."""
        self._report = button(_("Monthly report"), icon="list")
        self._reports = export_menu(("xlsx", "pdf"), self._report)

    def show_place(self) -> None:
        """Show the filter of the place, and offer the report of the last month in its range."""
        super().show_place()
        month = scope_of(self.place.wanted, day_of(utc_now(), settings().budget_zone)).days.last
        self._report.set_text(_("Report for {month}", month=self.formats.month_of_year(month)))
        for kind, link in self._reports.items():
            params = {"month": f"{month:%Y-%m}", "format": kind, "language": self.formats.locale.language}
            set_props(link, href=f"/admin/api/usage/chargeback/file?{urlencode(params)}")

    def draw_filters(self, bar: FilterBar[ListFilter]) -> None:
        """Draw the grouping, the range, and the conditions."""
        self.draw_span(bar)
        bar.choice("by", _("Group by"), {by.value: say(GROUPINGS[by]) for by in Grouping}, Grouping.TEAM, names=False)
        self.draw_scope(bar)

    def draw_between(self) -> None:
        """Draw the chart."""
        self._chart = OrganisationChart(self.formats, self._open_unit)
        with self._chart.side:
            self._bar.segments("show", _("Chart"), {each.value: say(MEASURES[each]) for each in Measure})

    def texts(self, wanted: ListFilter) -> dict[str, str]:
        """Return the texts of the fields of a filter, with the grouping and what the chart shows."""
        return super().texts(wanted) | {"by": grouping_of(wanted).value, "show": measure_of(wanted).value}

    def export_params(self) -> dict[str, str]:
        """Return the filter without what the chart shows."""
        return {name: text for name, text in super().export_params().items() if name != "show"}

    def counted(self, total: int) -> str:
        """Return the number of groups in words."""
        return plural("{count} row", "{count} rows", total)

    def show(self, view: Any, now: datetime) -> None:
        """Show newer rows, and the chart."""
        found: OrganisationView = view
        self._by, self._totals, self._scope = found.by, found.totals, found.scope
        self._largest = max((row.figures.tokens for row in found.rows), default=0)
        self._chart.show(found, measure_of(self.place.wanted))
        super().show(view, now)

    def state(self) -> dict[str, Any]:
        """Return the sums of all filtered groups; those of a search lead nowhere, since requests are not searched."""
        href = "" if self.place.wanted.search else requests_href(scope_params(self._scope))
        return {"all": context("sum of a table", "Total"), "href": href or None, **self._cells(self._totals)}

    def cells(self, row: UsageGroup, _now: datetime) -> dict[str, Any]:
        """Return the values of a group."""
        is_time = self._by in TIMES
        return {
            "id": f"{self._by}\n{row.id}\n{row.key}",
            "group": unit_label(row.key, self.formats) if is_time else group_label(self._by, row.key),
            "about": row.name,
            "href": requests_href(group_params(self._scope, self._by, row.id, row.key)),
            "weight": cells.weight(row.figures.tokens, self._largest),
            **self._cells(row.figures),
        }

    async def _open_unit(self, unit: str) -> None:
        first = date.fromisoformat(unit if len(unit) > len("2026-11") else f"{unit}-01")
        days = month_days(first) if len(unit) == len("2026-11") else DayRange(first, first)
        chosen = {**self.place.wanted.params(), "from": days.first.isoformat(), "to": days.last.isoformat()}
        await self.filter(self.rules.parse(chosen))

    def _cells(self, sums: Figures) -> dict[str, Any]:
        f = self.formats
        return {
            "count": f.number(sums.requests),
            "counted": f.requests(sums.requests),
            "prompt": f.number(sums.prompt_tokens),
            "completion": f.number(sums.completion_tokens),
            "billable": f.number(sums.tokens),
            "costs": f.cost(sums),
            "exact_cost": f.exact_eur(sums.cost_nano_eur),
        }


def requests_href(params: dict[str, str]) -> str:
    """Return the address of the list of requests that `params` select."""
    return f"{REQUESTS}?{urlencode(params)}"
