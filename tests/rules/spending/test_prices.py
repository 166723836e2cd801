"""The price book: patterns of models, the entry in force, and the cost of a request."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules.messages import InvalidValue
from portal.rules.spending.prices import (
    LONGEST_PATTERN,
    Price,
    PriceBook,
    Rates,
    RequestTokens,
    check_rates,
    clean_pattern,
    matches,
    model_price,
    precedence,
    price_at,
    prices_in_force,
    with_changes,
)
from portal.rules.spending.pricing import MAX_COST_FACTOR, MAX_TOKENS

RATES = Rates(prompt=Decimal("2.5"), completion=Decimal(10), cached=Decimal("1.25"))
FREE = Rates(Decimal(0), Decimal(0), Decimal(0))

EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
DAY = timedelta(days=1)
BOOK = [Price(Decimal(1)), Price(Decimal(2), EARLY), Price(Decimal(3), LATE)]


@pytest.mark.parametrize("book", [BOOK, BOOK[::-1]], ids=["in order", "in any order"])
@pytest.mark.parametrize(
    ("instant", "price"),
    [
        pytest.param(datetime(2000, 1, 1, tzinfo=UTC), 1, id="since ever"),
        pytest.param(EARLY - timedelta(microseconds=1), 1, id="just before a price begins"),
        pytest.param(EARLY, 2, id="the instant it begins"),
        pytest.param(LATE - timedelta(microseconds=1), 2, id="until the next"),
        pytest.param(LATE, 3, id="the last one"),
        pytest.param(datetime(2999, 1, 1, tzinfo=UTC), 3, id="for ever"),
    ],
)
def test_latest_price_is_in_force(book: list[Price], instant: datetime, price: int) -> None:
    found = price_at(book, instant)
    assert found is not None
    assert found.eur_per_token == price


@pytest.mark.parametrize("book", [[], [Price(Decimal(1), LATE)]], ids=["an empty book", "a book that begins later"])
def test_price_before_the_first_entry_is_none(book: list[Price]) -> None:
    assert price_at(book, EARLY) is None


@pytest.mark.parametrize(
    ("pattern", "model", "expected"),
    [
        pytest.param("gpt-4o", "gpt-4o", True, id="an exact name"),
        pytest.param("gpt-4o", "gpt-4o-mini", False, id="an exact name is no prefix"),
        pytest.param("gpt-4o", "openai/gpt-4o", False, id="nor a suffix"),
        pytest.param("gpt-4*", "gpt-4o-mini", True, id="a prefix"),
        pytest.param("gpt-4*", "gpt-4", True, id="a star may be nothing"),
        pytest.param("*gpt-4o", "openai/gpt-4o", True, id="a star includes slashes"),
        pytest.param("gpt-?o", "gpt-4o", True, id="one character"),
        pytest.param("gpt-?o", "gpt-o", False, id="never none"),
        pytest.param("gpt-?o", "gpt-10o", False, id="never two"),
        pytest.param("Qwen/*", "qwen/qwen3-32b", True, id="case of the pattern"),
        pytest.param("qwen/*", "Qwen/Qwen3-32B", True, id="case of the model"),
        pytest.param("gpt-4.1", "gpt-4x1", False, id="a dot is a dot"),
        pytest.param("gpt-[45]*", "gpt-4o", False, id="brackets are brackets"),
        pytest.param("gpt-[45]*", "gpt-[45]-x", True, id="and match themselves"),
        pytest.param("*", "", True, id="a star alone matches all"),
        pytest.param("a*b*c", "a b\nc", True, id="a line break too"),
    ],
)
def test_pattern_matches(pattern: str, model: str, expected: bool) -> None:
    assert matches(pattern, model) is expected


NAMES = st.text("ab-/", max_size=6)


@given(pattern=st.text("ab-/*?", max_size=6), model=NAMES)
def test_patterns_match_as_in_a_shell(pattern: str, model: str) -> None:
    assert matches(pattern, model) is fnmatchcase(model, pattern)


@pytest.mark.parametrize(
    "patterns",
    [
        pytest.param(["gpt-4o", "gpt-4o*"], id="an exact name before all patterns"),
        pytest.param(["gpt-4o", "gpt-4o-2024-*-*"], id="also before longer ones"),
        pytest.param(["gpt-4o*", "gpt-4*", "*"], id="the longest first"),
        pytest.param(["gpt-4?", "gpt-4*"], id="a question mark is a character"),
        pytest.param(["gpt-4*", "*gpt-4*"], id="of equal length the one with fewer wildcards"),
        pytest.param(["*-mini", "gpt-4*"], id="then the alphabet"),
    ],
)
def test_most_exact_pattern_goes_first(patterns: list[str]) -> None:
    assert all(precedence(a) < precedence(b) for a, b in pairwise(patterns))


def entry(pattern: str | None, price: int, valid_from: datetime = EARLY) -> Price:
    """Return an entry that is known by its price."""
    if pattern is None:
        return Price(Decimal(price), valid_from)
    return model_price(pattern, Rates(Decimal(price), Decimal(price), Decimal(price)), valid_from)


def test_entry_of_a_model_is_the_most_exact_one_in_force() -> None:
    book = PriceBook([entry(None, 1), entry("gpt-*", 2), entry("gpt-4o", 3, LATE), entry("gpt-4o", 4, LATE + DAY)])
    assert book.at("qwen3", LATE) == entry(None, 1)
    assert book.at("gpt-4o", LATE - DAY) == entry("gpt-*", 2)
    assert book.at("GPT-4o", LATE) == entry("gpt-4o", 3, LATE)
    assert book.at("gpt-4o", LATE + DAY) == entry("gpt-4o", 4, LATE + DAY)
    assert book.at("gpt-4o", EARLY - DAY) is None
    assert book.general(LATE) == entry(None, 1)
    assert PriceBook([entry("gpt-*", 2)]).general(LATE) is None


ENTRIES = st.lists(
    st.builds(
        entry,
        st.none() | st.sampled_from(["a", "b", "a*", "?", "*b", "ab", "a?", "*"]),
        st.integers(0, 5),
        st.sampled_from([EARLY - DAY, EARLY, LATE]),
    ),
    max_size=8,
    unique_by=lambda price: (price.pattern, price.valid_from),
)


@given(entries=ENTRIES, model=st.sampled_from(["a", "A", "b", "ab", "bb", "c"]), instant=st.sampled_from([EARLY, LATE]))
def test_entry_of_a_model_does_not_depend_on_their_order(entries: list[Price], model: str, instant: datetime) -> None:
    found = PriceBook(entries).at(model, instant)
    assert found == PriceBook(entries[::-1]).at(model, instant)
    fitting = [e for e in prices_in_force(entries, instant) if e.pattern is None or matches(e.pattern, model)]
    assert (found in fitting) if fitting else found is None
    if found is not None:
        of_models = [e.pattern for e in fitting if e.pattern is not None]
        assert found.pattern == min(of_models, key=precedence, default=None)


@pytest.mark.parametrize(
    ("tokens", "factor", "nano"),
    [
        pytest.param((1000, 200, 0), "1", 2_500_000 + 2_000_000, id="prompt and completion"),
        pytest.param((1000, 200, 400), "1", 1_500_000 + 500_000 + 2_000_000, id="with cached ones"),
        pytest.param((1000, 0, 1000), "1", 1_250_000, id="all of them cached"),
        pytest.param((1000, 200, 0), "1.5", 6_750_000, id="times the cost factor"),
        pytest.param((1, 0, 0), "0.0002", 1, id="half a nano-euro up"),
        pytest.param((1, 0, 0), "0.00019", 0, id="less than half of one"),
        pytest.param((1, 1, 1), "0", 0, id="factor 0"),
    ],
)
def test_cost_of_a_model_entry(tokens: tuple[int, int, int], factor: str, nano: int) -> None:
    prompt, completion, cached = tokens
    assert model_price("m", RATES, EARLY).cost(RequestTokens(prompt, completion, cached, 0), Decimal(factor)) == nano


def test_cost_of_a_general_entry_is_that_of_billable_tokens() -> None:
    assert Price(Decimal("0.00002")).cost(RequestTokens(1000, 200, 400, 60), Decimal("0.05")) == 1_200_000


RATE = st.decimals(0, 10**6, places=12)
COUNTS = st.integers(0, MAX_TOKENS)


@given(
    prompt=COUNTS,
    completion=COUNTS,
    cached=COUNTS,
    rates=st.builds(Rates, RATE, RATE, RATE),
    factor=st.decimals(0, MAX_COST_FACTOR, places=12),
)
def test_cost_of_a_model_entry_is_rounded_exactly_once(
    prompt: int, completion: int, cached: int, rates: Rates, factor: Decimal
) -> None:
    cached = min(cached, prompt)
    exact = (
        (prompt - cached) * Fraction(rates.prompt)
        + cached * Fraction(rates.cached)
        + completion * Fraction(rates.completion)
    ) * Fraction(factor)
    tokens = RequestTokens(prompt, completion, cached, 0)
    assert model_price("m", rates, EARLY).cost(tokens, factor) == (exact * 1000 + Fraction(1, 2)).__floor__()


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        pytest.param(" GPT-4* ", "gpt-4*", id="spaces and case"),
        pytest.param("gpt-***x", "gpt-*x", id="stars in a row"),
        pytest.param("x" * LONGEST_PATTERN, "x" * LONGEST_PATTERN, id="the longest"),
    ],
)
def test_pattern_is_stored_in_one_form(text: str, stored: str) -> None:
    assert clean_pattern(text) == stored


@pytest.mark.parametrize("text", ["", "  ", "x" * (LONGEST_PATTERN + 1), "a\nb", "a\x00"])
def test_invalid_pattern_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        clean_pattern(text)


@pytest.mark.parametrize("rate", ["-0.1", "1000000.1", "0.0000000000001", "NaN", "Infinity"])
def test_rates_out_of_bounds_are_refused(rate: str) -> None:
    check_rates(FREE)
    with pytest.raises(InvalidValue, match="per million"):
        check_rates(Rates(Decimal(1), Decimal(1), Decimal(rate)))


def test_ended_pattern_gives_way_to_the_next_one() -> None:
    end = model_price("gpt-4o", None, LATE)
    book = PriceBook([entry(None, 1), entry("gpt-*", 2), entry("gpt-4o", 3), end, entry("gpt-4o", 4, LATE + DAY)])
    found = [book.at("gpt-4o", instant) for instant in (LATE - DAY, LATE, LATE + DAY)]
    assert [price and price.pattern for price in found] == ["gpt-4o", "gpt-*", "gpt-4o"]
    assert (end.is_end, end.is_free) == (True, False)


@pytest.mark.parametrize(
    ("price", "is_free"),
    [
        pytest.param(Price(Decimal(0)), True, id="a general price of 0"),
        pytest.param(Price(Decimal("0.1")), False, id="a general price"),
        pytest.param(model_price("m", Rates(Decimal(1), Decimal(2), Decimal(0)), LATE), True, id="free cached tokens"),
        pytest.param(model_price("m", RATES, LATE), False, id="a price of models"),
    ],
)
def test_price_of_zero_is_free(price: Price, is_free: bool) -> None:
    assert price.is_free is is_free


def test_planned_entry_replaces_the_one_of_its_instant() -> None:
    kept, replaced, gone = Price(Decimal(1), id=1), Price(Decimal(2), EARLY, id=2), Price(Decimal(3), LATE, id=3)
    planned = Price(Decimal(9), EARLY)
    assert with_changes([kept, replaced, gone], [planned], [3]) == [kept, planned]
