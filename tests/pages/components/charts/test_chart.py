"""The chart of the last 14 days: the daily limit is always drawn, and tokens above it are marked."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from portal.pages.components.charts.chart import _draw, _empty_figure, _limit_sentence
from portal.rules.metering.figures import Figures
from portal.views.spending.summary import DayUsage
from portal.words import speaking
from portal.words.formats import Formats

BERLIN = Formats(Locale("en", "GB"), ZoneInfo("Europe/Berlin"), ZoneInfo("UTC"))
GERMAN = Formats(Locale("de", "DE"), ZoneInfo("Europe/Berlin"), ZoneInfo("UTC"))
USED = (0, 1000, 2500)


def days(tokens: tuple[int, ...] = USED) -> list[DayUsage]:
    return [DayUsage(date(2026, 11, 20) + timedelta(n), Figures(tokens=used)) for n, used in enumerate(tokens)]


def drawn(limit: int | None, tokens: tuple[int, ...] = USED, formats: Formats = BERLIN) -> dict[str, Any]:
    figure = _empty_figure()
    assert _draw(figure, days(tokens), limit, formats)
    return figure


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        pytest.param(1, "···· Daily limit 1", id="far below the bars"),
        pytest.param(0, "···· Daily limit 0", id="nothing is allowed"),
        pytest.param(2000, "···· Daily limit 2,000", id="among the bars"),
        pytest.param(5000, "···· Daily limit 5,000", id="twice the highest bar"),
        pytest.param(10**9, "↑ Daily limit 1,000,000,000, above this chart", id="far above the bars"),
    ],
)
def test_the_limit_is_always_drawn_inside_the_chart(limit: int, text: str) -> None:
    layout = drawn(limit)["layout"]
    (line,), (label,) = layout["shapes"], layout["annotations"]
    assert label["text"] == text
    bottom, top = layout["yaxis"]["range"]
    assert bottom <= line["y0"] <= top
    assert line["y0"] == min(limit, top)


def test_a_limit_far_above_does_not_flatten_the_bars() -> None:
    assert drawn(10**9)["layout"]["yaxis"]["range"] == drawn(None)["layout"]["yaxis"]["range"]


def test_without_a_limit_no_line_is_drawn() -> None:
    layout = drawn(None)["layout"]
    assert (layout["shapes"], layout["annotations"]) == ([], [])


def test_the_part_of_a_bar_above_the_limit_is_marked() -> None:
    bars, above = drawn(1500)["data"]
    assert bars["y"] == [0, 1000, 2500]
    assert (above["base"], above["y"]) == (1500, [0, 0, 1000])
    assert "1,000 above the daily limit" in bars["customdata"][2]
    assert "limit" not in bars["customdata"][1]


def test_tooltip_counts_one_token_in_the_singular() -> None:
    hovers = drawn(None, (0, 1, 2))["data"][0]["customdata"]
    assert [hover.split("<br>")[1] for hover in hovers] == [
        "0 billable tokens",
        "1 billable token",
        "2 billable tokens",
    ]


def test_the_line_runs_through_no_label_of_an_empty_day() -> None:
    assert drawn(1)["data"][0]["text"] == ["", "", ""]
    assert drawn(1500)["data"][0]["text"] == ["0", "", ""]


def test_the_same_days_and_limit_are_drawn_once() -> None:
    figure = drawn(1500)
    assert not _draw(figure, days(), 1500, BERLIN)
    assert _draw(figure, days(), 1600, BERLIN)
    assert _draw(figure, days(), None, BERLIN)


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        (None, ""),
        (2000, "Daily limit 2,000. Days above it: 22 Nov 2026."),
        (10**6, "Daily limit 1,000,000. No day is above it."),
    ],
)
def test_screen_readers_hear_which_days_were_above_the_limit(limit: int | None, sentence: str) -> None:
    assert _limit_sentence(days(), limit, BERLIN) == sentence


def test_german_chart_has_german_words_and_numbers() -> None:
    with speaking("de"):
        figure = drawn(1500, formats=GERMAN)
        sentence = _limit_sentence(days(), 1500, GERMAN)
    bars, layout = figure["data"][0], figure["layout"]
    assert bars["x"][0] == "Fr<br>20"
    assert bars["customdata"][2].split("<br>") == [
        "So., 22. Nov. 2026",
        "2.500 abrechenbare Token",
        "1.000 über dem Tageslimit",
        "0,00\u00a0€ · 0 Anfragen",
    ]
    assert layout["yaxis"]["ticktext"][:3] == ["0", "500", "1\u00a0Tsd."]
    assert layout["annotations"][0]["text"] == "···· Tageslimit 1.500"
    assert sentence == "Tageslimit 1.500. Tage darüber: 22. Nov. 2026."
