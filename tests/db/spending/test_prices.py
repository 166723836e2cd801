"""The price book."""

from datetime import timedelta
from decimal import Decimal

from portal.db.spending.prices import price_book, set_price
from portal.db.sql.session import Database
from portal.rules.spending.pricing import FIRST_PRICE, Price
from tests.cast import NOW, run

FIRST = Price(FIRST_PRICE, None)
DAY = timedelta(days=1)


def test_the_book_opens_with_the_first_price_since_ever(db: Database) -> None:
    assert run(price_book) == [FIRST]


def test_prices_come_oldest_first_whenever_they_were_entered(db: Database) -> None:
    run(set_price, Decimal("0.00003"), NOW, NOW)
    run(set_price, Decimal("0.00001"), NOW - DAY, NOW)
    run(set_price, Decimal(0), NOW + DAY, NOW)
    assert run(price_book) == [
        FIRST,
        Price(Decimal("0.00001"), NOW - DAY),
        Price(Decimal("0.00003"), NOW),
        Price(Decimal(0), NOW + DAY),
    ]


def test_a_price_for_the_same_instant_replaces_the_earlier_entry(db: Database) -> None:
    run(set_price, Decimal("0.00003"), NOW, NOW)
    run(set_price, Decimal("0.00004"), NOW, NOW)
    assert run(price_book) == [FIRST, Price(Decimal("0.00004"), NOW)]
