"""The chart of Organisation Usage: days or months, stacked by the largest groups.

All texts, numbers and dates of the chart are written here in the viewer's language, none by Plotly.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from nicegui import events, ui

from portal.pages.components import cells
from portal.pages.components.charts.chart import axis_ticks, bar_figure, day_boundary
from portal.pages.components.charts.plot import Plot
from portal.pages.components.names import Name
from portal.pages.components.parts import Text, empty, tag
from portal.pages.components.table import Column, data_table
from portal.rules.messages import message
from portal.rules.metering.figures import Figures
from portal.rules.metering.organisation import Grouping, Measure
from portal.views.metering.organisation import TOP, OrganisationView, UsageSeries
from portal.words import _, say
from portal.words.formats import Formats
from portal.words.usage import MEASURES, group_label

_MOST_LABELS = {Grouping.DAY: 6, Grouping.MONTH: 12}
"""Labels of the axis that fit on a phone."""
_COLUMNS = (
    Column("unit", message("Day or month")),
    *(
        Column(
            f"s{number}",
            "",
            attributes=cells.only_given(f"s{number}"),
            heading_cell=cells.text(f"name{number}"),
            heading_attributes=cells.only_given(f"name{number}"),
        )
        for number in range(TOP + 1)
    ),
)


class OrganisationChart:
    """The consumption by day or month; each bar leads to its requests."""

    def __init__(self, formats: Formats, open_unit: Callable[[str], Any]) -> None:
        """Draw the card with an empty chart; `open_unit` gets the day or month of a clicked bar.

        `side` has room for the choice of what the bars show.
        """
        self._formats = formats
        self._open_unit = open_unit
        self._shown: tuple[Any, ...] = ()
        self._units: tuple[str, ...] = ()
        label = _("Usage over time")
        with tag(
            "section", "mp-card mp-chart mp-chart--stacked", data_testid="org-usage-chart", aria_label=label
        ) as card:
            self._card = card
            with tag("div", "mp-card__head"):
                with ui.element("div"):
                    Text("h2", label)
                    self._range = Text("p", skeleton=160).classes("mp-card__sub")
                self.side = tag("div", "mp-chart__measure")
                with tag("div", "mp-chart__sum"):
                    self._sum = Text("b", skeleton=150)
                    self._others = Text("p", skeleton=120).classes("mp-card__sub")
            with tag("div", "mp-card__body"):
                self._legend = tag("ul", "mp-stack-names")
                self._figure = _empty_figure()
                self._plot = Plot(self._figure).classes("mp-plot")
                self._plot.props["aria-hidden"] = "true"
                self._plot.on("point", self._open)
                self._empty = empty("chart", _("No usage in this range"), _("Choose other days, or fewer filters."))
                self._empty.set_visibility(False)
                self._zones = Text("p", "").classes("mp-zones")
                with tag("div", "mp-sr"):
                    name = _("Numbers of the chart")
                    self._table = data_table(
                        "over-time", _COLUMNS, test_id="org-usage-chart-data", label=name, becomes_cards=False
                    )

    def show(self, view: OrganisationView, measure: Measure) -> None:
        """Show newer bars in the same chart."""
        f, sums = self._formats, view.totals
        self._range.show(f.days(view.scope.days) if len(view.scope.days) else _("No days"))
        self._sum.show(value_text(sums, measure, f))
        self._others.show(" · ".join(value_text(sums, each, f) for each in Measure if each is not measure))
        self._zones.show(day_boundary(view.scope.days.last, f))
        shown = (view.units, view.series, view.by, measure)
        if shown == self._shown:
            return
        self._shown, self._units = shown, view.units
        has_bars = bool(view.series)
        self._plot.classes(add="" if has_bars else "is-empty", remove="is-empty" if has_bars else "")
        self._empty.set_visibility(not has_bars)
        is_time = view.by is view.unit
        self._card.classes(add="is-time" if is_time else "", remove="" if is_time else "is-time")
        _fill(self._figure, view, measure, f)
        self._plot.draw()
        self._show_names([] if is_time else [series_label(view, series) for series in view.series], view.series)
        self._show_table(view, measure)

    def _show_names(self, names: Sequence[str], series: Sequence[UsageSeries]) -> None:
        self._legend.clear()
        with self._legend:
            for number, (name, each) in enumerate(zip(names, series, strict=False), 1):
                with tag("li", "", data_series=str(number if each.group else TOP + 1)):
                    Name(name)
        self._legend.set_visibility(bool(names))

    def _show_table(self, view: OrganisationView, measure: Measure) -> None:
        """Show the numbers of the chart as a table, which only screen readers and tests see."""
        f = self._formats
        series = view.series
        names = [say(MEASURES[measure]) if view.by is view.unit else series_label(view, each) for each in series]
        self._table.show_state(**{f"name{number}": name for number, name in enumerate(names)})
        self._table.show_rows(
            [
                {"id": unit, "unit": unit_label(unit, f)}
                | {f"s{n}": value_text(each.figures[number], measure, f) for n, each in enumerate(series)}
                for number, unit in enumerate(view.units)
            ]
            if series
            else []
        )

    def _open(self, event: events.GenericEventArguments) -> None:
        index = event.args
        if isinstance(index, int) and 0 <= index < len(self._units):
            self._open_unit(self._units[index])


def value(sums: Figures, measure: Measure) -> int:
    """Return the number that a bar shows."""
    return {
        Measure.TOKENS: sums.tokens,
        Measure.COST: sums.cost_nano_eur,
        Measure.REQUESTS: sums.requests,
    }[measure]


def value_text(sums: Figures, measure: Measure, f: Formats) -> str:
    """Return a value with its unit in words."""
    if measure is Measure.COST:
        return f.cost(sums)
    return f.requests(sums.requests) if measure is Measure.REQUESTS else f.billable(sums.tokens)


def series_label(view: OrganisationView, series: UsageSeries) -> str:
    """Return the name of a series; the one without a group has all other groups."""
    return _("All others") if series.group is None else group_label(view.by, series.group.key)


def unit_label(unit: str, f: Formats, *, short: bool = False) -> str:
    """Return a day such as 2026-11-22 or a month such as 2026-11 in words."""
    if len(unit) > len("2026-11"):
        day = date.fromisoformat(unit)
        return f.day(day, year=False) if short else f.short_day(day, year=True)
    month = date.fromisoformat(f"{unit}-01")
    return f.short_month(month).replace(" ", "<br>") if short else f.month_of_year(month)


def _empty_figure() -> dict[str, Any]:
    figure = bar_figure(*({"marker": {"cornerradius": 3, "color": "#8884ee"}} for _unused in range(TOP + 1)))
    figure["layout"] |= {"barmode": "stack", "bargap": 0.3}
    figure["layout"]["margin"] |= {"l": 64}
    return figure


def _fill(figure: dict[str, Any], view: OrganisationView, measure: Measure, f: Formats) -> None:
    """Write the series of a view into a figure."""
    values = [[value(each, measure) for each in series.figures] for series in view.series]
    highest = max((sum(column) for column in zip(*values, strict=True)), default=0)
    ticks = axis_ticks(max(highest, 10))
    texts = [unit_label(unit, f, short=True) for unit in view.units]
    most = _MOST_LABELS[view.unit]
    step = max(-(-len(texts) // most), 1)
    figure["layout"]["xaxis"] |= {
        "tickvals": list(range(0, len(texts), step)),
        "ticktext": texts[::step],
        "range": [-0.5, len(texts) - 0.5],
        "type": "linear",
        "showgrid": False,
    }
    figure["layout"]["yaxis"] |= {
        "range": [0, max(ticks[-1], highest) * 1.04],
        "tickvals": ticks,
        "ticktext": [f.eur(tick) if measure is Measure.COST else f.compact(tick) for tick in ticks],
    }
    for trace, series in zip(figure["data"], _places(view), strict=True):
        figures = (
            series.figures if series else (Figures(),) * len(texts)
        )  # no trace is left out: the order has the colours
        name = series_label(view, series) if series and view.by is not view.unit else ""
        trace |= {
            "x": list(range(len(texts))),
            "y": [value(each, measure) for each in figures],
            "customdata": [
                "<br>".join(filter(None, (unit_label(unit, f), _plain(name), value_text(each, measure, f))))
                for unit, each in zip(view.units, figures, strict=True)
            ],
        }


def _places(view: OrganisationView) -> list[UsageSeries | None]:
    """Return the series of each trace: that of all other groups is always the last one."""
    groups = [series for series in view.series if series.group or view.by is view.unit]
    rest = [series for series in view.series if series not in groups]
    return [*groups, *[None] * (TOP + 1 - len(groups) - len(rest)), *rest]


def _plain(name: str) -> str:
    """Return a name without the characters that Plotly reads as markup."""
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
