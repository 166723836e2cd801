from decimal import Decimal

import pytest

from portal.rules.messages import InvalidValue
from portal.words.formats import Formats
from portal.words.locales import locale_of
from portal.words.numbers import read_limit, read_price, read_tokens


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        pytest.param("", "en", None, id="nothing is no limit"),
        pytest.param("  ", "de", None, id="spaces are nothing"),
        pytest.param("0", "en", 0, id="zero allows nothing"),
        pytest.param(" 1000000 ", "en", 1_000_000, id="digits"),
        pytest.param("1,000,000", "en", 1_000_000, id="English"),
        pytest.param("1.000.000", "de", 1_000_000, id="German"),
        pytest.param("1 000\u202f000", "de", 1_000_000, id="spaces"),
        pytest.param("1’000'000", "en", 1_000_000, id="apostrophes"),
    ],
)
def test_limit_is_read_in_the_language(text: str, language: str, expected: int | None) -> None:
    assert read_limit(text, language) == expected


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("limit", [0, 7, 999, 1000, 1_234_567, 10**15])
def test_written_limit_is_read_back(limit: int, language: str) -> None:
    assert read_limit(formats(language).number(limit), language) == limit


@pytest.mark.parametrize(
    ("text", "language"),
    [
        *[(text, "en") for text in ("-5", "1.5", "1.000", "1,00", "1,0000", ",000", "many", "1e6", "٣", "∞", "9" * 30)],
        *[(text, "de") for text in ("1,5", "1,000", "1.00", "1.000,0")],
    ],
)
def test_what_is_no_whole_number_is_refused(text: str, language: str) -> None:
    with pytest.raises(InvalidValue, match="Write a whole number such as 1,000,000, or nothing for no limit"):
        read_limit(text, language)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("0.00002", "0.00002", id="a point"),
        pytest.param("0,00002", "0.00002", id="a comma"),
        pytest.param(" 0.00002 € ", "0.00002", id="the sign"),
        pytest.param("€0.5", "0.5", id="the sign before it"),
        pytest.param("1 EUR", "1", id="a whole number"),
        pytest.param("0", "0", id="free"),
        pytest.param("7", "7", id="too much, which the action refuses"),
    ],
)
def test_price_is_read_with_a_point_or_a_comma(text: str, expected: str) -> None:
    assert read_price(text) == Decimal(expected)


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("price", ["0", "0.00002", "0.000000000001", "1"])
def test_written_price_is_read_back(price: str, language: str) -> None:
    assert read_price(formats(language).factor(Decimal(price))) == Decimal(price)


@pytest.mark.parametrize("text", ["", "-1", "free", "1.2.3", "0,0,1", "1e-5", ".5", "NaN", "0.00002 USD", "٣"])
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue, match="Write an amount in EUR such as"):
        read_price(text)


def formats(language: str) -> Formats:
    return Formats(locale_of(language), None, None)  # type: ignore[arg-type]  # numbers need no zones


@pytest.mark.parametrize("text", ["", " ", "1.5", "many"])
def test_number_of_tokens_has_no_other_text(text: str) -> None:
    assert read_tokens("1,000,000", "en") == 1_000_000
    with pytest.raises(InvalidValue):
        read_tokens(text, "en")
