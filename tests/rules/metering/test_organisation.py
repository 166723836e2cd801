"""The days and the conditions that select usage of the organisation."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules.lists import ListFilter
from portal.rules.metering.organisation import (
    NO_COST_CENTRE,
    USAGE_LIST,
    Grouping,
    Span,
    UsageScope,
    grouping_of,
    month_days,
    month_parts,
    scope_of,
    scope_params,
    span_days,
)
from portal.rules.metering.usage import InvalidFilter
from portal.rules.periods import DayRange

TODAY = date(2026, 11, 22)
DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))


@given(DAYS, DAYS)
def test_months_and_edges_are_all_days_once(first: date, last: date) -> None:
    days = DayRange(first, last)
    parts = month_parts(days)
    months = [] if parts.months is None else sorted({day.replace(day=1) for day in parts.months})
    found = [day for month in months for day in month_days(month)] + [day for edge in parts.edges for day in edge]
    assert sorted(found) == list(days)
    assert all(len(edge) < 62 for edge in parts.edges)


@pytest.mark.parametrize(
    ("span", "first", "last"),
    [
        (Span.MONTH, date(2026, 11, 1), TODAY),
        (Span.LAST_MONTH, date(2026, 10, 1), date(2026, 10, 31)),
        (Span.DAYS_30, date(2026, 10, 24), TODAY),
        (Span.DAYS_90, date(2026, 8, 25), TODAY),
        (Span.YEAR, date(2025, 11, 23), TODAY),
    ],
)
def test_span_ends_today_or_is_the_last_month(span: Span, first: date, last: date) -> None:
    assert span_days(span, TODAY) == DayRange(first, last)


@pytest.mark.parametrize(
    ("params", "first", "last"),
    [
        pytest.param({}, date(2026, 11, 1), TODAY, id="this month at first"),
        pytest.param({"from": "2026-03-05"}, date(2026, 3, 5), TODAY, id="from a day until today"),
        pytest.param({"from": "2026-12-05"}, date(2026, 12, 5), date(2026, 12, 5), id="from a day to come"),
        pytest.param({"to": "2026-03-05"}, date(2026, 3, 1), date(2026, 3, 5), id="a month until a day"),
        pytest.param({"from": "2026-03-05", "to": "2026-03-09", "range": "90"}, date(2026, 3, 5), date(2026, 3, 9)),
    ],
)
def test_days_of_a_filter(params: dict[str, str], first: date, last: date) -> None:
    assert scope_of(USAGE_LIST.parse(params), TODAY).days == DayRange(first, last)


def test_conditions_are_read_and_written() -> None:
    params = {
        "from": "2026-03-05",
        "to": "2026-03-09",
        "account": "7",
        "team": "0",
        "cost_centre": NO_COST_CENTRE,
        "model": "qwen3:32b",
        "mode": "native",
        "gateway": "0",
    }
    scope = scope_of(USAGE_LIST.parse(params), TODAY)
    assert scope == UsageScope(DayRange(date(2026, 3, 5), date(2026, 3, 9)), 7, 0, "", "qwen3:32b", "native", 0)
    assert scope_params(scope) == params
    assert scope_params(UsageScope(scope.days)) == {"from": "2026-03-05", "to": "2026-03-09"}


def test_teams_are_the_plain_grouping() -> None:
    assert grouping_of(ListFilter()) is Grouping.TEAM
    assert grouping_of(USAGE_LIST.parse({"by": "model"})) is Grouping.MODEL


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("by", "planet"),
        ("range", "31"),
        ("from", "2026-02-30"),
        ("team", "-1"),
        ("team", "1" * 19),
        ("account", "alice"),
        ("model", "x" * 201),
        ("mode", "\x00"),
        ("planet", "earth"),
        ("sort", "level"),
    ],
)
def test_bad_filter_is_refused(name: str, text: str) -> None:
    with pytest.raises(InvalidFilter) as refused:
        USAGE_LIST.parse({name: text})
    assert refused.value.field == name
