"""The 14-day chart: bars for the eye, the same numbers as a table for everybody else."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from nicegui import events, ui

from portal.pages.components.budgets import requests_url
from portal.pages.components.formats import Formats
from portal.pages.components.parts import Text, empty, set_props, tag
from portal.rules.figures import total
from portal.rules.periods import DayRange, end_of_day
from portal.views.summary import CHART_DAYS, DayUsage

_STEPS = (1, 2, 2.5, 5, 10)
_MOST_STEPS = 5
_LEAST_LIMIT, _LEAST_LIMIT_OVER_LABELS, _LARGEST_LIMIT = 0.05, 0.12, 2
"""Which limits are drawn, as parts of the highest bar; an empty day's label stands on the lowest tenth."""


class UsageChart:
    """Daily consumption in billable tokens, with the daily limit where there is one."""

    def __init__(self, formats: Formats) -> None:
        """Draw the card with an empty chart."""
        self._formats = formats
        self._days: tuple[date, ...] = ()
        with tag("section", "mp-card mp-chart", data_testid="usage-chart", aria_label="14-Day Usage"):
            with tag("div", "mp-card__head"):
                with ui.element("div"):
                    Text("h2", "14-Day Usage")
                    self._range = Text("p", skeleton=120).classes("mp-card__sub")
                with tag("div", "mp-chart__sum"):
                    self._sum = Text("b", skeleton=150)
                    with tag("p", "mp-card__sub"):
                        self._cost = Text(skeleton=52)
                        Text("span", " · ")
                        self._requests = Text("a", skeleton=80)
            with tag("div", "mp-card__body"):
                self._figure = _empty_figure()
                self._plot = ui.plotly(self._figure).classes("mp-plot")
                self._plot.props["aria-hidden"] = "true"
                self._plot.on("plotly_click", self._open_day, ["points"])
                self._empty = empty(
                    "chart", "No requests in these 14 days", "The chart fills as soon as a gateway reports one."
                )
                self._empty.set_visibility(False)
                self._table = DayTable()
                self._zones = Text("p", "").classes("mp-zones")

    def show(self, days: Sequence[DayUsage], limit: int | None) -> None:
        """Put newer bars in place; the chart is not rebuilt."""
        f = self._formats
        self._days = tuple(day.day for day in days)
        sums = total(day.figures for day in days)
        shown = DayRange(days[0].day, days[-1].day)
        self._range.show(f.days(shown))
        self._sum.show(f"{f.number(sums.tokens)} tokens")
        self._cost.show(f.eur(sums.cost_nano_eur))
        self._requests.show(f.requests(sums.requests))
        set_props(self._requests, href=requests_url(shown) if sums.requests else None)
        # not `display: none`, in which Plotly refuses to measure itself
        self._plot.classes(add="" if sums.requests else "is-empty", remove="is-empty" if sums.requests else "")
        self._empty.set_visibility(not sums.requests)
        if _draw(self._figure, days, limit, f):
            self._plot.update()
        self._table.show(days, f)
        self._zones.show(day_boundary(days[-1].day, f))

    def _open_day(self, event: events.GenericEventArguments) -> None:
        """Go from a bar to its requests."""
        index = event.args["points"][0].get("pointIndex")
        if isinstance(index, int) and 0 <= index < len(self._days):
            day = self._days[index]
            ui.navigate.to(requests_url(DayRange(day, day)))


class DayTable:
    """The numbers of the chart as a real table, which only screen readers and tests meet."""

    def __init__(self) -> None:
        """Draw it without numbers."""
        self._rows: list[tuple[Text, Text]] = []
        with tag("div", "mp-sr"), tag("table", data_testid="usage-chart-data"):
            Text("caption", "Billable tokens per day")
            with ui.element("thead"), ui.element("tr"):
                tag("th", "", "Day", scope="col")
                tag("th", "", "Tokens", scope="col")
            with ui.element("tbody"):
                for _ in range(CHART_DAYS):
                    with ui.element("tr"):
                        self._rows.append((Text("th").props("scope=row"), Text("td")))

    def show(self, days: Sequence[DayUsage], f: Formats) -> None:
        """Put newer numbers in place."""
        for (name, tokens), day in zip(self._rows, days, strict=True):
            name.show(day.day.isoformat())
            tokens.show(f.number(day.figures.tokens))


def day_boundary(day: date, f: Formats) -> str:
    """Say when a day ends, for viewers to whom that is not midnight; else nothing."""
    if not f.zones_differ:
        return ""
    end = end_of_day(day, f.budget_zone)
    there, here = end.astimezone(f.budget_zone), end.astimezone(f.zone)
    return f"Days end at {there:%H:%M} {f.budget_zone.key}, {here:%H:%M} your time."


def _empty_figure() -> dict[str, Any]:
    axis = {"fixedrange": True, "showline": False, "zeroline": False}
    return {
        "data": [
            {
                "type": "bar",
                "x": [],
                "y": [],
                "text": [],
                "customdata": [],
                "textposition": "outside",
                "cliponaxis": False,
                "marker": {"cornerradius": 4, "color": "#8884ee"},
                "hovertemplate": "%{customdata}<extra></extra>",
            }
        ],
        "layout": {
            "autosize": True,
            "bargap": 0.5,
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
        "config": {"displayModeBar": False, "responsive": True},
    }


def _draw(figure: dict[str, Any], days: Sequence[DayUsage], limit: int | None, f: Formats) -> bool:
    """Change a figure to these days; say whether anything differs."""
    tokens = [day.figures.tokens for day in days]
    bars = {
        "x": [f"{f.weekday(day.day)}<br>{day.day.day}" for day in days],
        "y": tokens,
        "text": ["" if value else "0" for value in tokens],
        "customdata": [
            f"{f.weekday(day.day)} {f.day(day.day)}<br>{f.number(day.figures.tokens)} tokens"
            f"<br>{f.eur(day.figures.cost_nano_eur)} · {f.requests(day.figures.requests)}"
            for day in days
        ],
    }
    highest = max(tokens)
    is_near = limit is not None and limit_fits(limit, tokens)
    ticks = axis_ticks(max(highest, limit if is_near and limit else 0, 10))
    layout = {
        "range": [0, max(ticks[-1], highest) * 1.06],
        "tickvals": ticks,
        "ticktext": [f.compact(tick) for tick in ticks],
    }
    shapes, notes = _limit_line(limit, f) if is_near and limit is not None else ([], [])
    old = figure["data"][0], figure["layout"]["yaxis"], figure["layout"]["shapes"]
    if (
        all(old[0][k] == v for k, v in bars.items())
        and all(old[1][k] == v for k, v in layout.items())
        and old[2] == shapes
    ):
        return False
    figure["data"][0].update(bars)
    figure["layout"]["yaxis"].update(layout)
    figure["layout"].update(shapes=shapes, annotations=notes)
    return True


def _limit_line(limit: int, f: Formats) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    line = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": limit, "y1": limit}
    note = {"text": f"···· Daily limit {f.number(limit)}", "showarrow": False}
    above = {"xref": "paper", "x": 1, "xanchor": "right", "yref": "paper", "y": 1, "yanchor": "bottom"}
    return [{**line, "line": {"width": 1, "dash": "2px,4px"}}], [{**note, **above}]


def limit_fits(limit: int, tokens: Sequence[int]) -> bool:
    """Say whether a limit is drawn: not where it would dwarf the bars, nor run through the labels of empty days."""
    least = _LEAST_LIMIT_OVER_LABELS if 0 in tokens else _LEAST_LIMIT
    return least * max(tokens) <= limit <= _LARGEST_LIMIT * max(tokens) and limit > 0


def axis_ticks(highest: int) -> list[int]:
    """Return up to six round values from 0 on, the last of them at least nine tenths of `highest`."""
    rough = max(highest, _MOST_STEPS) / _MOST_STEPS
    magnitude = 10 ** (len(str(int(rough))) - 1)
    step = int(next(size * magnitude for size in _STEPS if size * magnitude >= rough))
    return list(range(0, highest + step // 2, step))
