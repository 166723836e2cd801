"""Organisation Usage: who used what over any range, with the chart, the sums, and the ways to the requests."""

from datetime import date, datetime
from functools import partial
from typing import Any, ClassVar

from nicegui import APIRouter
from starlette.requests import Request

from portal.clock import utc_now
from portal.pages.admin.usage.chart import OrganisationChart, unit_label
from portal.pages.components import cells
from portal.pages.components.filters import Chip, FilterBar
from portal.pages.components.shell.frame import frame
from portal.pages.components.table_list import TableList, sorted_column, table_listing
from portal.pages.navigation import ORGANISATION
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.rules.metering.figures import Figures
from portal.rules.metering.organisation import (
    NO_COST_CENTRE,
    TIMES,
    USAGE_LIST,
    Grouping,
    Measure,
    Span,
    grouping_of,
    measure_of,
    month_days,
    scope_of,
)
from portal.rules.metering.usage import FIRST_DAY, LAST_DAY
from portal.rules.periods import DayRange, day_of
from portal.settings import settings
from portal.views.metering.organisation import OrganisationView, UsageGroup, load_organisation
from portal.web.visitors import Administrator
from portal.words import _, context, plural, say
from portal.words.usage import GROUPINGS, MEASURES, SPANS, group_label

router = APIRouter()

LISTING = table_listing(
    ORGANISATION.path, USAGE_LIST, partial(load_organisation, with_chart=True), "/admin/api/usage/export"
)
_NAMED = (Grouping.TEAM, Grouping.COST_CENTRE, Grouping.MODEL, Grouping.MODE, Grouping.GATEWAY)

_GROUP = cells.lines(cells.name("group"), cells.small(cells.name("about", flows=True), given="about"))
_REQUESTS = cells.not_on_phone(cells.text("count")) + cells.on_phone(cells.text("counted"))
_COLUMNS = (
    sorted_column("key", message("Group"), classes="o-group", cell=_GROUP, total=cells.text("all")),
    sorted_column("requests", message("Requests"), classes="num o-requests", cell=_REQUESTS),
    sorted_column("prompt_tokens", message("Prompt"), classes="num o-prompt", cell=cells.text("prompt")),
    sorted_column(
        "completion_tokens", message("Completion"), classes="num o-completion", cell=cells.text("completion")
    ),
    sorted_column(
        "tokens",
        message("Billable"),
        classes="num o-tokens mp-weigh",
        attributes=cells.WEIGHT,
        cell=cells.span(cells.text("billable"), "strong"),
    ),
    sorted_column(
        "cost", message("Cost"), classes="num o-cost", cell=cells.text("costs"), attributes=cells.exact("exact_cost")
    ),
)


@router.page(ORGANISATION.path)
async def organisation_page(request: Request, viewer: Administrator) -> None:
    """Show an administrator the usage of the organisation."""
    place, complaint = LISTING.read(request.query_params)
    with frame(ORGANISATION, viewer) as head:
        await OrganisationUsage(LISTING, viewer, place).open(head, complaint)


class OrganisationUsage(TableList[UsageGroup]):
    """The filters, the chart, and the table of the groups with their total."""

    name = "org-usage"
    test_id = "org-usage-table"
    label = message("Usage by group")
    rules = USAGE_LIST
    columns = _COLUMNS
    none_yet = (message("No usage in this range"), message("Choose other days, or fewer filters."))
    replaces: ClassVar = {"range": ("from", "to")}
    has_total = True

    def draw_filters(self, bar: FilterBar[ListFilter]) -> None:
        """Draw the grouping, the range, and the conditions."""
        bar.segments("range", _("Time range"), {span.value: say(words) for span, words in SPANS.items()})
        bar.choice("by", _("Group by"), {by.value: say(GROUPINGS[by]) for by in Grouping}, Grouping.TEAM, names=False)
        bar.day("from", _("From"), str(FIRST_DAY), str(LAST_DAY))
        bar.day("to", _("To"), str(FIRST_DAY), str(LAST_DAY))
        for by in _NAMED:
            bar.choice(by.value, say(GROUPINGS[by]), {"": _("All")}, names=True)

    def draw_between(self) -> None:
        """Draw the chart."""
        self._chart = OrganisationChart(self.formats, self._open_unit)
        with self._chart.side:
            self._bar.segments("show", _("Chart"), {each.value: say(MEASURES[each]) for each in Measure})

    def texts(self, wanted: ListFilter) -> dict[str, str]:
        """Return the texts of the fields of a filter, with the days of its range."""
        days = scope_of(wanted, day_of(utc_now(), settings().budget_zone)).days
        has_own = bool(wanted.choice("from") or wanted.choice("to"))
        span = "" if has_own else wanted.choice("range") or Span.MONTH.value
        own = {"from": days.first.isoformat(), "to": days.last.isoformat(), "range": span}
        return super().texts(wanted) | own | {"by": grouping_of(wanted).value, "show": measure_of(wanted).value}

    def chips(self, wanted: ListFilter) -> list[Chip]:
        """Return a chip for the account, which links choose."""
        account = wanted.choice("account")
        return [Chip(say(GROUPINGS[Grouping.ACCOUNT]), ("account",), account)] if account else []

    def export_params(self) -> dict[str, str]:
        """Return the filter without what the chart shows."""
        return {name: text for name, text in super().export_params().items() if name != "show"}

    def counted(self, total: int) -> str:
        """Return the number of groups in words."""
        return plural("{count} row", "{count} rows", total)

    def show(self, view: Any, now: datetime) -> None:
        """Show newer rows, and the chart."""
        found: OrganisationView = view
        self._by, self._totals = found.by, found.totals
        self._largest = max((row.figures.tokens for row in found.rows), default=0)
        self._chart.show(found, measure_of(self.place.wanted))
        for by in _NAMED:
            names = (found.names or {}).get(by, {})
            choices = {(choice or NO_COST_CENTRE): group_label(by, key) for choice, key in names.items()}
            self._bar.offer(by.value, choices)
        super().show(found, now)

    def state(self) -> dict[str, Any]:
        """Return the sums of all filtered groups."""
        return {"all": context("sum of a table", "Total"), **self._cells(self._totals)}

    def cells(self, row: UsageGroup, _now: datetime) -> dict[str, Any]:
        """Return the values of a group."""
        is_time = self._by in TIMES
        return {
            "id": f"{self._by}\n{row.id}\n{row.key}",
            "group": unit_label(row.key, self.formats) if is_time else group_label(self._by, row.key),
            "about": row.name,
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
