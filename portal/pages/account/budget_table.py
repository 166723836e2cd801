"""The table of an account's budgets."""

from datetime import datetime

from nicegui import ui

from portal.pages.account.budget_cards import BudgetBar, reset_text, reset_title, show_requests
from portal.pages.account.forecast_line import ForecastLine
from portal.pages.addresses import requests_url
from portal.pages.components.parts import LevelMark, Text, set_props, tag
from portal.pages.navigation import USAGE
from portal.rules.messages import message
from portal.rules.periods import Period
from portal.rules.spending.budgets import BudgetType
from portal.settings import settings
from portal.views.spending.budget import BudgetsView, BudgetView
from portal.words import _, context, say
from portal.words.formats import Formats, zone_name
from portal.words.labels import BUDGET_TYPES

_ROW_TITLES = {Period.DAILY: message("Daily"), Period.MONTHLY: message("Monthly"), Period.TOTAL: message("Total")}


class BudgetTable:
    """A row for each budget: consumed, limit, remaining, progress, reset and type."""

    _HEADINGS = (
        (message("Period"), ""),
        (message("Consumed"), "num"),
        (message("Limit"), "num"),
        (message("Remaining"), "num"),
        (message("Progress"), "th-prog"),
        (message("Reset"), ""),
    )

    def __init__(self, formats: Formats, *, usage: str = USAGE.path) -> None:
        """Draw the table with room for its figures; `usage` is the address of the list of requests."""
        with tag("section", "mp-card", aria_label=_("Budget Status")):
            with tag("div", "mp-card__head mp-card__head--table"), ui.element("div"):
                Text("h2", _("Budget Status"))
                Text("p", table_note(formats)).classes("mp-card__sub")
            with tag("div", "mp-table mp-table--rows mp-table--budget", data_testid="budget-table"):
                with (
                    tag("div", "q-table__middle"),
                    tag("table", "q-table", role="table", aria_label=_("Budget Status")),
                ):
                    with tag("thead", role="rowgroup"), tag("tr", role="row"):
                        for name, classes in self._HEADINGS:
                            tag("th", classes, say(name), scope="col", role="columnheader")
                        if not settings().is_desktop:  # nobody chooses a type there
                            tag("th", "", _("Type"), scope="col", role="columnheader")
                    with tag("tbody", role="rowgroup"):
                        self._rows = {period: _BudgetRow(period, formats, usage) for period in Period}

    def show(self, view: BudgetsView, now: datetime) -> None:
        """Show newer figures."""
        for budget in view.all:
            self._rows[budget.period].show(budget, view.type, now)


class _BudgetRow:
    """One budget of the table."""

    def __init__(self, period: Period, formats: Formats, usage: str) -> None:
        self._formats = formats
        self._usage = usage
        with tag("tr", role="row", data_period=period.value) as self._row:
            tag("td", "b-period", say(_ROW_TITLES[period]), role="cell")
            with tag("td", "num strong b-used", role="cell"), tag("span", "mp-cell2"):
                self._used = Text("a", skeleton=72).classes("mp-plain")
                self._raw = Text("small", "")
            with tag("td", "num b-limit", role="cell", data_before=context("limit", "of")):
                self._limit = Text(skeleton=72)
            with tag("td", "num b-left", role="cell"), tag("span", "mp-cell2"):
                self._left = Text(skeleton=72)
                self._over = Text("small", "").classes("mp-over")
            set_props(self._left, data_after=_("remaining"))
            with tag("td", "b-prog", role="cell"):
                with tag("div", "mp-prog"):
                    self._bar = BudgetBar(period, thin=True)
                    self._percent = Text("b", skeleton=44)
                    self._level = LevelMark()
                self._forecast = ForecastLine(formats, usage=usage)
            with tag("td", "b-reset", role="cell", data_before=_("Resets")) as self._reset_cell:
                self._reset = Text(skeleton=80)
            with tag("td", "b-type", role="cell") as kind:
                self._type = Text(skeleton=80).classes("mp-badge")
            kind.set_visibility(not settings().is_desktop)

    def show(self, view: BudgetView, kind: BudgetType, now: datetime) -> None:
        f, budget = self._formats, view.budget
        set_props(self._row, data_level=view.level.value if view.level else "none")
        self._used.show(f.number(budget.consumed), title=show_requests(view))
        set_props(self._used, href=requests_url(view.days, self._usage))
        self._raw.show(f.raw(view.figures))
        self._limit.show(f.limit(budget.limit))
        self._left.show(f.limit(budget.remaining))
        self._over.show(_("over by {tokens}", tokens=budget.over_by) if budget.over_by else "")
        self._bar.show(view, f)
        self._percent.show(f.percent(view.percent))
        self._level.show(budget)
        self._forecast.show(view, now)
        reset = reset_text(view, now)
        self._reset_cell.classes(add="" if view.resets_at else "is-never", remove="is-never" if view.resets_at else "")
        self._reset.show(_("in {time}", time=reset) if view.resets_at else reset, title=reset_title(view, f))
        self._type.show(say(BUDGET_TYPES[kind]))


def table_note(f: Formats) -> str:
    """Return the unit, and the zone of days and months if it differs from the viewer's."""
    if not f.zones_differ:
        return _("Billable tokens.")
    return _("Billable tokens. Days and months are counted in {zone}.", zone=zone_name(f.budget_zone))
