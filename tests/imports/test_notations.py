"""Numbers and days as people write them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from portal.imports.notations import Marks, Notation, Order, has_clock, instants_in, notation_of, numbers_in

POINT, COMMA = Marks.POINT, Marks.COMMA


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("de", Notation(COMMA, Order.DAY_FIRST)),
        ("de-CH", Notation(POINT, Order.DAY_FIRST)),
        ("en", Notation(POINT, Order.MONTH_FIRST)),
        ("en_GB", Notation(POINT, Order.DAY_FIRST)),
        ("fr", Notation(COMMA, Order.DAY_FIRST)),
        ("sv-SE", Notation(COMMA, Order.YEAR_FIRST)),
    ],
)
def test_locales_say_how_their_people_write(locale: str, expected: Notation) -> None:
    assert notation_of(locale) == expected


@pytest.mark.parametrize("locale", ["", "klingon", "de-XX-YY-ZZ", "../de"])
def test_unknown_locale_is_refused(locale: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # it says which one it was
        notation_of(locale)


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("12", "12", "12"), ("-12", "-12", "-12"), ("1.234", "1.234", "1234"), ("1,234", "1234", "1.234"),
        ("1.234.567", None, "1234567"), ("1,234,567.5", "1234567.5", None), ("1.234,5", None, "1234.5"),
        ("1'234", "1234", "1234"), ("1\u202f234,5", None, "1234.5"), ("1 234", "1234", "1234"), ("12.0", "12.0", None),
        ("1,23", None, "1.23"), ("1.2345", "1.2345", None), ("1.23.456", None, None), ("1'234 567", None, None),
        ("", None, None), ("1,", None, None), ("one", None, None), ("١٢", None, None), ("1e3", None, None),
    ],
)  # fmt: skip
def test_numbers_in_both_notations(text: str, point: str | None, comma: str | None) -> None:
    expected = {POINT: point, COMMA: comma}
    assert numbers_in(text) == {marks: Decimal(number) for marks, number in expected.items() if number is not None}


def at(year: int, month: int, day: int, *clock: int) -> datetime:
    return datetime(year, month, day, *clock, tzinfo=UTC)  # type: ignore[misc,arg-type]  # hours to microseconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20.11.2026 09:05", {Order.DAY_FIRST: at(2026, 11, 20, 9, 5)}),
        ("11/20/2026 9:06 AM", {Order.MONTH_FIRST: at(2026, 11, 20, 9, 6)}),
        ("10/11/2026", {Order.DAY_FIRST: at(2026, 11, 10), Order.MONTH_FIRST: at(2026, 10, 11)}),
        ("10/11/26, 12:00 a.m.", {
            Order.DAY_FIRST: at(2026, 11, 10),
            Order.MONTH_FIRST: at(2026, 10, 11),
            Order.YEAR_FIRST: at(2010, 11, 26),
        }),
        ("2026-11-05", {Order.YEAR_FIRST: at(2026, 11, 5)}),
        ("2026/11/05 23:59:59.5", {Order.YEAR_FIRST: at(2026, 11, 5, 23, 59, 59, 500_000)}),
        ("20.11.2026 09:05 +02:00", {Order.DAY_FIRST: at(2026, 11, 20, 7, 5)}),
        ("31.2.2026", {}), ("20.11.2026 25:00", {}), ("20.11.2026 13:00 PM", {}), ("20.11/2026", {}), ("today", {}),
        ("20.11.226", {}), ("1" * 50, {}),
    ],
)  # fmt: skip
def test_days_in_all_orders(text: str, expected: dict[Order, datetime]) -> None:
    assert instants_in(text, UTC) == expected


def test_a_day_alone_has_no_clock() -> None:
    assert not has_clock("20.11.2026")
    assert has_clock("20.11.2026 00:00")
