"""The chart of the last 14 days, with a table of the same numbers for screen readers.

All texts, numbers and dates of the chart are written here in the viewer's language, none by Plotly.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from nicegui import events, ui

from portal.pages.addresses import requests_url
from portal.pages.components.charts.plot import Plot
from portal.pages.components.parts import Text, empty, set_props, tag
from portal.rules.metering.figures import total
from portal.rules.periods import DayRange, end_of_day
from portal.settings import settings
from portal.views.spending.summary import CHART_DAYS, DayUsage
from portal.words import _
from portal.words.formats import Formats, zone_name

_STEPS = (1, 2, 2.5, 5, 10)
_MOST_STEPS = 5
_LABELLED_PART = 0.12
"""Part of the chart's height at the bottom with the labels of empty days; a line there would cross them."""
_FARTHEST_LIMIT = 2
"""The axis includes a limit up to this multiple of the highest bar; a higher limit would flatten the bars."""


class UsageChart:
    """Daily consumption in billable tokens, with the daily limit if there is one."""

    def __init__(self, formats: Formats, *, is_shared: bool = False) -> None:
        """Draw the card with an empty chart; that of several people (`is_shared`) has no links to requests."""
        self._formats = formats
        self._is_shared = is_shared
        self._days: tuple[date, ...] = ()
        with tag("section", "mp-card mp-chart", data_testid="usage-chart", aria_label=_("14-Day Usage")):
            with tag("div", "mp-card__head"):
                with ui.element("div"):
                    Text("h2", _("14-Day Usage"))
                    self._range = Text("p", skeleton=120).classes("mp-card__sub")
                with tag("div", "mp-chart__sum"):
                    self._sum = Text("b", skeleton=150)
                    with tag("p", "mp-card__sub"):
                        self._cost = Text(skeleton=52)
                        Text("span", " · ")
                        self._requests = Text("a", skeleton=80)
            with tag("div", "mp-card__body"):
                self._figure = _empty_figure()
                self._plot = Plot(self._figure).classes("mp-plot")
                self._plot.props["aria-hidden"] = "true"
                if not is_shared:
                    self._plot.on("point", self._open_day)
                self._empty = empty(
                    "chart",
                    _("No requests in these 14 days"),
                    _("The chart fills as soon as a program reports one.")
                    if settings().is_desktop
                    else _("The chart fills as soon as a gateway reports one."),
                )
                self._empty.set_visibility(False)
                self._table = DayTable()
                self._zones = Text("p", "").classes("mp-zones")

    def show(self, days: Sequence[DayUsage], limit: int | None) -> None:
        """Show newer bars in the same chart."""
        f = self._formats
        self._days = tuple(day.day for day in days)
        sums = total(day.figures for day in days)
        shown = DayRange(days[0].day, days[-1].day)
        self._range.show(f.days(shown))
        self._sum.show(_("{tokens} billable", tokens=sums.tokens))
        self._cost.show(f.eur(sums.cost_nano_eur))
        self._requests.show(f.requests(sums.requests))
        set_props(self._requests, href=requests_url(shown) if sums.requests and not self._is_shared else None)
        # not `display: none`, in which Plotly refuses to measure itself
        self._plot.classes(add="" if sums.requests else "is-empty", remove="is-empty" if sums.requests else "")
        self._empty.set_visibility(not sums.requests)
        if _draw(self._figure, days, limit, f):
            self._plot.draw()
        self._table.show(days, limit, f)
        self._zones.show(day_boundary(days[-1].day, f))

    def _open_day(self, event: events.GenericEventArguments) -> None:
        """Open Usage History with the requests of a bar's day."""
        index = event.args
        if isinstance(index, int) and 0 <= index < len(self._days):
            day = self._days[index]
            ui.navigate.to(requests_url(DayRange(day, day)))


class DayTable:
    """The numbers of the chart as a table, which only screen readers and tests see."""

    def __init__(self) -> None:
        """Draw the table without numbers."""
        self._rows: list[tuple[Text, Text]] = []
        with tag("div", "mp-sr"):
            with tag("table", data_testid="usage-chart-data"):
                Text("caption", _("Billable tokens per day"))
                with ui.element("thead"), ui.element("tr"):
                    tag("th", "", _("Day"), scope="col")
                    tag("th", "", _("Tokens"), scope="col")
                with ui.element("tbody"):
                    for _unused in range(CHART_DAYS):
                        with ui.element("tr"):
                            self._rows.append((Text("th").props("scope=row"), Text("td")))
            self._limit = Text("p", "").props("data-testid=usage-chart-limit")

    def show(self, days: Sequence[DayUsage], limit: int | None, f: Formats) -> None:
        """Show newer numbers."""
        for (name, tokens), day in zip(self._rows, days, strict=True):
            set_props(name, data_day=day.day.isoformat())
            name.show(f.day(day.day))
            tokens.show(f.number(day.figures.tokens))
        self._limit.show(_limit_sentence(days, limit, f))


def _limit_sentence(days: Sequence[DayUsage], limit: int | None, f: Formats) -> str:
    """Return the daily limit, and the days above it, as a sentence; "" without a limit."""
    if limit is None:
        return ""
    above = [f.day(day.day) for day in days if day.figures.tokens > limit]
    if not above:
        return _("Daily limit {limit}. No day is above it.", limit=limit)
    return _("Daily limit {limit}. Days above it: {days}.", limit=limit, days=", ".join(above))


def day_boundary(day: date, f: Formats) -> str:
    """Return a sentence that says when a day ends if that is not midnight for the viewer; else ""."""
    if not f.zones_differ:
        return ""
    end = end_of_day(day, f.budget_zone)
    there, here = end.astimezone(f.budget_zone), end.astimezone(f.zone)
    return _(
        "Days end at {there} {zone}, {here} your time.",
        there=f"{there:%H:%M}",
        zone=zone_name(f.budget_zone),
        here=f"{here:%H:%M}",
    )


def _empty_figure() -> dict[str, Any]:
    usage = {"text": [], "textposition": "outside", "marker": {"cornerradius": 4, "color": "#8884ee"}}
    above_limit = {"base": 0, "marker": {"cornerradius": 4, "color": "#dc2626"}}
    return bar_figure(usage, above_limit)


def bar_figure(*traces: Mapping[str, Any]) -> dict[str, Any]:
    """Return a figure with empty traces of bars; the keys of `traces` are added to each."""
    axis = {"fixedrange": True, "showline": False, "zeroline": False}
    bars = {
        "type": "bar",
        "x": [],
        "y": [],
        "customdata": [],
        "cliponaxis": False,
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    return {
        "data": [{**bars, **trace} for trace in traces],
        "layout": {
            "autosize": True,
            "bargap": 0.5,
            "barmode": "overlay",
            "showlegend": False,
            "margin": {"l": 52, "r": 0, "t": 22, "b": 40},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"size": 12},
            "hoverlabel": {"font": {"size": 12}, "align": "left"},
            "xaxis": {**axis, "type": "category", "autotickangles": [0], "tickfont": {"size": 11}, "showline": True},
            "yaxis": {**axis, "range": [0, 1], "tickvals": [0], "ticktext": ["0"], "ticklabelstandoff": 8},
            "shapes": [],
            "annotations": [],
        },
        "config": {"displayModeBar": False},
    }


def _draw(figure: dict[str, Any], days: Sequence[DayUsage], limit: int | None, f: Formats) -> bool:
    """Change a figure to these days; return whether a value differs."""
    tokens = [day.figures.tokens for day in days]
    highest = max(tokens)
    is_reached = limit is not None and limit <= _FARTHEST_LIMIT * highest
    ticks = axis_ticks(max(highest, limit if is_reached and limit else 0, 10))
    top = max(ticks[-1], highest) * 1.06
    bars = {
        "x": [f"{f.weekday(day.day)}<br>{day.day.day}" for day in days],
        "y": tokens,
        "customdata": [_hover(day, limit, f) for day in days],
    }
    labels = {"text": _labels(tokens, limit, top)}
    excess = {**bars, "y": [max(value - limit, 0) if limit is not None else 0 for value in tokens], "base": limit or 0}
    axis = {"range": [0, top], "tickvals": ticks, "ticktext": [f.compact(tick) for tick in ticks]}
    lines, notes = _limit_line(limit, top) if limit is not None else ([], [])
    changes: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (figure["data"][0], bars | labels),
        (figure["data"][1], excess),
        (figure["layout"]["yaxis"], axis),
        (figure["layout"], {"shapes": lines, "annotations": notes}),
    ]
    if all(old[name] == value for old, new in changes for name, value in new.items()):
        return False
    for old, new in changes:
        old.update(new)
    return True


def _labels(tokens: Sequence[int], limit: int | None, top: float) -> list[str]:
    """Return a zero for each empty day, unless the line of the limit would cross it."""
    is_crossed = limit is not None and limit < _LABELLED_PART * top
    return ["" if value or is_crossed else "0" for value in tokens]


def _hover(day: DayUsage, limit: int | None, f: Formats) -> str:
    """Return the text of a bar's tooltip."""
    tokens = day.figures.tokens
    lines = [f.short_day(day.day, year=True), f.billable(tokens)]
    if limit is not None and tokens > limit:
        lines.append(_("{tokens} above the daily limit", tokens=tokens - limit))
    lines.append(f"{f.eur(day.figures.cost_nano_eur)} · {f.requests(day.figures.requests)}")
    return "<br>".join(lines)


def _limit_line(limit: int, top: float) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the line of a limit and its label; the line of a limit above the axis is at the top edge."""
    height, is_outside = min(limit, top), limit > top
    line = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": height, "y1": height}
    name = (
        _("Daily limit {limit}, above this chart", limit=limit) if is_outside else _("Daily limit {limit}", limit=limit)
    )
    text = f"{'↑' if is_outside else '····'} {name}"
    above = {"xref": "paper", "x": 1, "xanchor": "right", "yref": "paper", "y": 1, "yanchor": "bottom"}
    return [{**line, "line": {"width": 1, "dash": "2px,4px"}}], [{"text": text, "showarrow": False, **above}]


def axis_ticks(highest: int) -> list[int]:
    """Return up to six round values from 0 on, the last of them at least nine tenths of `highest`."""
    rough = max(highest, _MOST_STEPS) / _MOST_STEPS
    magnitude = 10 ** (len(str(int(rough))) - 1)
    step = int(next(size * magnitude for size in _STEPS if size * magnitude >= rough))
    return list(range(0, highest + step // 2, step))
