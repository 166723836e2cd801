"""Billable tokens, prices and amounts of EUR."""

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules.messages import InvalidValue
from portal.rules.spending.pricing import (
    FIRST_PRICE,
    MAX_COST,
    MAX_COST_FACTOR,
    MAX_PRICE,
    MAX_TOKENS,
    average_price,
    billable_tokens,
    cost_nano_eur,
    costs_at,
    eur,
    eur_text,
    read_cost_factor,
    shown_eur,
)


@pytest.mark.parametrize(
    ("tokens", "factor", "billable"),
    [
        pytest.param(0, "1.5", 0, id="nothing"),
        pytest.param(120, "1", 120, id="the usual factor"),
        pytest.param(120, "1.0", 120, id="written with a decimal"),
        pytest.param(5, "0.5", 3, id="half up, not to even"),
        pytest.param(3, "0.5", 2, id="half up again"),
        pytest.param(1, "0.49", 0, id="below a half"),
        pytest.param(1, "0.4999999999999999999999999999999999", 0, id="just below a half, beyond 28 digits"),
        pytest.param(7, "0", 0, id="free"),
        pytest.param(101, "1.25", 126, id="126.25"),
        pytest.param(2 * MAX_TOKENS, "1000", 2 * 10**12, id="as much as one request can be"),
    ],
)
def test_billable_tokens_are_rounded_half_up(tokens: int, factor: str, billable: int) -> None:
    assert billable_tokens(tokens, Decimal(factor)) == billable


@pytest.mark.parametrize(
    ("billable", "price", "nano"),
    [
        pytest.param(0, "0.00002", 0, id="nothing"),
        pytest.param(1, "0.00002", 20_000, id="one token"),
        pytest.param(743, "0.00002", 14_860_000, id="the first price"),
        pytest.param(1, "0.0000000005", 1, id="half a nano-euro up"),
        pytest.param(1, "0.0000000004", 0, id="less than half of one"),
        pytest.param(3, "0.0000000005", 2, id="rounded once, not per token"),
        pytest.param(5, "0", 0, id="free"),
        pytest.param(2 * 10**12, "1", 2 * 10**21, id="beyond 64 bits"),
    ],
)
def test_cost_is_rounded_half_up(billable: int, price: str, nano: int) -> None:
    assert cost_nano_eur(billable, Decimal(price)) == nano


@given(
    tokens=st.integers(0, 2 * MAX_TOKENS),
    factor=st.decimals(0, MAX_COST_FACTOR, places=12),
    price=st.decimals(0, MAX_PRICE, places=12),
)
def test_amounts_are_rounded_exactly_once(tokens: int, factor: Decimal, price: Decimal) -> None:
    half = Fraction(1, 2)
    billable = billable_tokens(tokens, factor)
    assert billable == (tokens * Fraction(factor) + half).__floor__()
    assert cost_nano_eur(billable, price) == (billable * 10**9 * Fraction(price) + half).__floor__()


def test_amounts_do_not_depend_on_the_precision_of_the_thread() -> None:
    with localcontext() as context:
        context.prec = 3
        assert billable_tokens(123_456_789, Decimal("1.0000001")) == 123_456_801
        assert cost_nano_eur(123_456_789, FIRST_PRICE) == 2_469_135_780_000
        assert eur(1_234_567_890_123) == Decimal("1234.567890123")
        assert str(shown_eur(1_234_567_890_123)) == "1234.57"
        assert str(shown_eur(9_999_400)) == "0.009999"


@pytest.mark.parametrize(
    ("nano", "text", "shown"),
    [
        pytest.param(0, "0.00", "0.00", id="nothing"),
        pytest.param(1, "0.000000001", "0.00", id="less than six decimals can say"),
        pytest.param(499, "0.000000499", "0.00", id="far less than six decimals can say"),
        pytest.param(500, "0.0000005", "0.000001", id="half of the last decimal"),
        pytest.param(20_000, "0.00002", "0.00002", id="one token"),
        pytest.param(1_500_000, "0.0015", "0.0015", id="as many decimals as needed"),
        pytest.param(1_234_567, "0.001234567", "0.001235", id="up to six decimals"),
        pytest.param(9_999_999, "0.009999999", "0.01", id="rounded up to a cent"),
        pytest.param(10_000_000, "0.01", "0.01", id="a cent"),
        pytest.param(14_860_000, "0.01486", "0.01", id="above a cent two decimals"),
        pytest.param(15_000_000, "0.015", "0.02", id="half up"),
        pytest.param(25_000_000, "0.025", "0.03", id="half up, not to even"),
        pytest.param(10**9, "1.00", "1.00", id="one EUR"),
        pytest.param(12_340_000_000, "12.34", "12.34", id="euros and cents"),
        pytest.param(100 * 10**9, "100.00", "100.00", id="no exponent"),
        pytest.param(MAX_COST, "100000.00", "100000.00", id="the most expensive request"),
        pytest.param(2**63 - 1, "9223372036.854775807", "9223372036.85", id="as much as fits in 64 bits"),
        pytest.param(10**30 + 1, f"{10**21}.000000001", f"{10**21}.00", id="far beyond 64 bits"),
    ],
)
def test_amounts_are_shown_in_eur(nano: int, text: str, shown: str) -> None:
    assert eur_text(nano) == text
    assert Decimal(text) == eur(nano)
    assert str(shown_eur(nano)) == shown


@pytest.mark.parametrize(
    ("tokens", "requests", "nano", "fits"),
    [
        pytest.param(0, 0, 0, True, id="nothing costs nothing"),
        pytest.param(0, 0, 1, False, id="a cost without requests"),
        pytest.param(743, 1, 14_860_000, True, id="one request"),
        pytest.param(743, 1, 14_860_002, False, id="more than one rounding"),
        pytest.param(743, 10, 14_860_005, True, id="each request was rounded by itself"),
        pytest.param(743, 10, 14_860_011, False, id="beyond all roundings"),
    ],
)
def test_requests_fit_a_price_within_rounding(tokens: int, requests: int, nano: int, fits: bool) -> None:
    assert costs_at(FIRST_PRICE, tokens, requests, nano) is fits


def test_average_price_has_four_digits() -> None:
    assert average_price(0, 0) == 0
    assert average_price(3, 100_000) == Decimal("0.00003333")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("0", "0", id="zero"),
        pytest.param(1000, "1000", id="the largest"),
        pytest.param("0.000000000001", "0.000000000001", id="the finest"),
        pytest.param("1.50000000000000", "1.5", id="zeros behind the twelfth decimal"),
        pytest.param(Decimal("-0"), "0", id="minus zero"),
    ],
)
def test_cost_factor_is_read_exactly(value: object, expected: str) -> None:
    assert read_cost_factor(value) == Decimal(expected)
    assert not read_cost_factor(value).is_signed()


@pytest.mark.parametrize(
    "value",
    [1.5, True, None, "", "-1", "1e2", " 1", "1,5", "1000.1", 1001, -1, "0.0000000000001",
     *map(Decimal, ("NaN", "sNaN", "Infinity", "1E-1000", "1E+1000"))],
)  # fmt: skip
def test_invalid_cost_factor_is_refused(value: object) -> None:
    with pytest.raises(InvalidValue, match="A cost factor"):
        read_cost_factor(value)
