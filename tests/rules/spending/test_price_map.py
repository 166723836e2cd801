"""Reading LiteLLM's price map: the exact prices in EUR, and the models that are wrong."""

import json
from datetime import date
from decimal import Decimal

import pytest

from portal.rules.messages import InvalidValue
from portal.rules.spending.price_map import (
    LARGEST_MAP,
    MapRow,
    UnreadableMap,
    exchange_rate,
    read_price_map,
    wanted_rows,
)
from portal.rules.spending.prices import Rates

RATE = exchange_rate(Decimal("0.92"), date(2026, 11, 1))


def row(entry: str, name: str = "gpt-4o") -> MapRow:
    (found,) = read_price_map(f'{{"{name}": {entry}}}'.encode(), RATE).rows
    return found


@pytest.mark.parametrize(
    ("entry", "rates"),
    [
        pytest.param(
            '{"input_cost_per_token": 2.5e-06, "output_cost_per_token": 0.00001, '
            '"cache_read_input_token_cost": 1.25e-06}',
            ("2.3", "9.2", "1.15"),
            id="all prices",
        ),
        pytest.param('{"input_cost_per_token": 1e-06}', ("0.92", "0", "0.92"), id="an embedding"),
        pytest.param(
            '{"input_cost_per_token": 0, "output_cost_per_token": 0.0}', ("0", "0", "0"), id="a model without a cost"
        ),
        pytest.param(
            '{"input_cost_per_token": 1, "output_cost_per_token": 1e-30, "cache_read_input_token_cost": null}',
            ("920000", "0", "920000"),
            id="rounded to 12 decimals",
        ),
    ],
)
def test_prices_are_exact_eur_per_million(entry: str, rates: tuple[str, str, str]) -> None:
    assert row(entry) == MapRow("gpt-4o", Rates(*map(Decimal, rates)))


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        pytest.param('{"output_cost_per_token": 1e-06}', "prompt tokens is missing", id="no prompt price"),
        pytest.param('{"input_cost_per_token": "0.1"}', "is not a number", id="a text"),
        pytest.param('{"input_cost_per_token": true}', "is not a number", id="a truth value"),
        pytest.param('{"input_cost_per_token": -1}', "out of bounds", id="a negative price"),
        pytest.param('{"input_cost_per_token": 1e999999}', "out of bounds", id="a huge price"),
        pytest.param(f'{{"input_cost_per_token": 0.{"1" * 50}}}', "out of bounds", id="too many digits"),
        pytest.param('{"input_cost_per_token": 2}', "1,000,000 EUR", id="more than a price may be"),
        pytest.param("7", "no prices by name", id="no object"),
    ],
)
def test_wrong_prices_are_named(entry: str, problem: str) -> None:
    found = row(entry)
    assert found.rates is None
    assert problem in str(found.problem)


@pytest.mark.parametrize(
    "name", [pytest.param("gpt-*", id="a pattern"), pytest.param("x" * 201, id="long"), pytest.param(" ", id="empty")]
)
def test_wrong_names_are_named(name: str) -> None:
    assert row('{"input_cost_per_token": 1e-06}', name).problem


def test_model_that_is_there_twice_is_wrong_both_times() -> None:
    entry = '{"input_cost_per_token": 1e-06}'
    found = read_price_map(f'{{"a": {entry}, "A": {entry}, "b": {entry}}}'.encode(), RATE)
    assert [(each.model, each.problem is None) for each in found.rows] == [("a", False), ("A", False), ("b", True)]


def test_models_without_token_prices_and_the_sample_are_left_out() -> None:
    entries = {
        "sample_spec": {"input_cost_per_token": 0, "mode": "one of"},
        "fallback_generalizations": {"rules": []},
        "dall-e-3": {"input_cost_per_image": 0.04},
        "gpt-4o": {"input_cost_per_token": 0.5},
    }
    found = read_price_map(json.dumps(entries).encode(), RATE)
    assert ([each.model for each in found.rows], found.others) == (["gpt-4o"], 1)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[1, 2]", id="a list"),
        pytest.param(b"\xff\xfe\x00", id="no UTF-8"),
        pytest.param(b'{"a": {"input_cost_per_token": NaN}}', id="NaN"),
        pytest.param(b'{"a":' * 100_000, id="nested too deeply"),
        pytest.param(b'{"a": {"input_cost_per_token": 1' + b"0" * 5000 + b"}}", id="a number of 5000 digits"),
        pytest.param(b'{"dall-e-3": {"input_cost_per_image": 0.04}}', id="without token prices"),
        pytest.param(b" " * (LARGEST_MAP + 1), id="too large"),
    ],
)
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(UnreadableMap):
        read_price_map(content, RATE)


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        pytest.param([], ["gpt-4o"], id="the models that were used"),
        pytest.param(["GPT-*"], ["gpt-4o", "gpt-5"], id="a pattern"),
        pytest.param(["*"], ["gpt-4o", "gpt-5", "azure/gpt-4o"], id="all"),
        pytest.param(["mistral"], [], id="none"),
    ],
)
def test_rows_are_chosen_by_pattern_or_by_use(patterns: list[str], found: list[str]) -> None:
    rows = [MapRow("gpt-4o"), MapRow("gpt-5"), MapRow("azure/gpt-4o")]
    assert [each.model for each in wanted_rows(rows, patterns, ["GPT-4o", "qwen3"])] == found


@pytest.mark.parametrize("eur", ["0", "-1", "1001", "NaN", "0.1234567"])
def test_rate_out_of_bounds_is_refused(eur: str) -> None:
    with pytest.raises(InvalidValue):
        exchange_rate(Decimal(eur), date(2026, 11, 1))


def test_source_names_rate_and_day() -> None:
    assert RATE.source == "LiteLLM, 1 USD = 0.92 EUR on 2026-11-01"
