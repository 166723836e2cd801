"""The contents of the columns of a file."""

from datetime import UTC, datetime
from typing import Any

import pytest

from portal.imports.notations import Marks, Order
from portal.imports.survey import (
    ColumnSurvey,
    looks_like_count,
    looks_like_requests,
    notation_of_days,
    notation_of_numbers,
    survey_columns,
    words,
)
from portal.rules.strict_json import Flaw

NOW = datetime(2026, 11, 28, 20, tzinfo=UTC)


def column(*values: Any, name: str = "tokens") -> ColumnSurvey:
    """Return the findings about a column with these cells."""
    found = survey_columns([name], [{name: value} for value in values], [], NOW)[name]
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["Cache Read", "cache_read", "cacheRead", "CACHE-READ", "cache.read"])
def test_words_of_a_name_are_the_same_however_it_is_written(name: str) -> None:
    assert words(name) == {"cache", "read"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("audio_tokens", True), ("Input (w/ Cache Write)", True), ("inputtokens", True), ("reasoning", True),
        ("usage.output", True), ("remaining tokens", False), ("max_tokens", False), ("token_id", False),
        ("input_character_count", False), ("output_char_count", False),
        ("tokens_per_second", False), ("input_cost", False), ("token_name", False), ("prompt_length", False),
        ("prompt_tokens_details.audio_tokens", False), ("model", False), ("time_to_first_token_ms", False),
    ],
)  # fmt: skip
def test_names_that_look_like_counts_of_tokens(name: str, expected: bool) -> None:
    assert looks_like_count(name) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("request_count", True), ("num_model_requests", True), ("Requests", True), ("count", True), ("apiCalls", True),
        ("remaining requests", False), ("tool_calls", False), ("token_count", False), ("retry_count", False),
        ("message_count", False), ("max_requests", False), ("request_id", False), ("web_search_requests", False),
    ],
)  # fmt: skip
def test_names_that_look_like_counts_of_requests(name: str, expected: bool) -> None:
    assert looks_like_requests(name) is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["12", "5"], (None, False)),
        (["1.234", "12"], (Marks.COMMA, False)),
        (["1,234", "12"], (Marks.POINT, False)),
        (["12.0", 5.0], (Marks.POINT, False)),
        (["1.000", "12"], (None, True)),
        (["1.000", "1.234"], (Marks.COMMA, False)),
        (["1.234", "1,234"], (None, False)),
        (["1'234", 7, "many", ""], (None, False)),
    ],
)
def test_notation_is_known_where_only_one_is_possible(values: list[Any], expected: object) -> None:
    assert notation_of_numbers([column(*values)]) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["2026-11-20T09:05:00Z"], (None, False)),
        (["20.11.2026 09:05"], (Order.DAY_FIRST, False)),
        (["10/11/2026", "11/20/2026"], (Order.MONTH_FIRST, False)),
        (["10/11/2026"], (None, True)),
        (["11/12/2026"], (Order.MONTH_FIRST, False)),
        (["13/11/2026", "11/13/2026"], (None, True)),
        (["2026-11-05", "soon"], (None, False)),
    ],
    ids=["ISO", "points", "another row says it", "both", "not in the future", "a contradiction", "days of ISO"],
)
def test_an_order_of_days_is_known_where_one_alone_is_possible(values: list[Any], expected: object) -> None:
    assert notation_of_days(column(*values, name="date")) == expected


def test_days_and_clocks_without_an_offset_are_counted() -> None:
    found = column("2026-11-05", "2026-11-05 10:00", "5.11.2026", "5.11.2026 10:00", NOW, NOW.date(), 1, name="date")
    assert (found.days, found.clocks, found.wall_clocks) == (3, 3, 2)


def test_columns_are_found_in_all_rows_and_in_objects() -> None:
    rows: list[dict[str, Any] | Flaw] = [
        {"a": 1},
        Flaw("Bad."),
        {"usage": {"tokens": 3}, "b": '{"count": 9}'},
        {"usage": None, "c": 2},
    ]
    found = survey_columns(["a"], rows, ["c"], NOW)
    assert [*found] == ["a", "usage", "usage.tokens", "b", "b.count", "c"]
    looked_at = {name: column.numbers for name, column in found.items() if column}
    assert looked_at == {"usage.tokens": 1, "b.count": 1, "c": 1}
