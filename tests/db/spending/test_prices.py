"""The price book."""

from datetime import timedelta
from decimal import Decimal

from sqlalchemy import func, select

from portal.db import tables
from portal.db.spending.prices import price_book, prices_by_id, prices_of_models, remove_price_of, set_price
from portal.db.sql.session import Database
from portal.rules.spending.prices import Price, Rates, model_price
from portal.rules.spending.pricing import FIRST_PRICE
from tests.cast import NOW, run

FIRST = Price(FIRST_PRICE, None)
DAY = timedelta(days=1)
RATES = Rates(Decimal("2.5"), Decimal(10), Decimal("1.25"))
GPT = model_price("gpt-4*", RATES, NOW, "by hand")


def test_the_book_opens_with_the_first_price_since_ever(db: Database) -> None:
    assert run(price_book) == [FIRST]


def test_prices_come_oldest_first_whenever_they_were_entered(db: Database) -> None:
    prices = [Price(Decimal("0.00001"), NOW - DAY), Price(Decimal("0.00003"), NOW), Price(Decimal(0), NOW + DAY)]
    models = [model_price("a", RATES, NOW - DAY), model_price("a", RATES, NOW), model_price("b", RATES, NOW - DAY)]
    for price in (models[2], models[1], prices[1], prices[0], models[0], prices[2]):
        assert run(set_price, price, NOW)
    assert run(price_book) == [FIRST, *prices, *models]


def test_a_price_for_the_same_instant_replaces_the_earlier_entry(db: Database) -> None:
    for price in (Price(Decimal("0.00003"), NOW), GPT, Price(Decimal("0.00004"), NOW)):
        run(set_price, price, NOW)
    other = model_price("gpt-4*", Rates(Decimal(1), Decimal(2), Decimal(3)), NOW)
    run(set_price, other, NOW)
    assert run(price_book) == [FIRST, Price(Decimal("0.00004"), NOW), other]


def test_equal_price_for_the_same_instant_is_no_change(db: Database) -> None:
    assert [run(set_price, GPT, NOW), run(set_price, GPT, NOW + DAY)] == [True, False]


def test_removed_prices_stay_for_the_events_they_priced(db: Database) -> None:
    run(set_price, GPT, NOW)
    stored = run(price_book)[-1]
    assert run(remove_price_of, "gpt-4*", NOW, NOW) == GPT
    assert run(remove_price_of, "gpt-4*", NOW, NOW) is None
    assert run(remove_price_of, None, NOW, NOW) is None
    assert run(price_book) == [FIRST]
    assert stored.id is not None
    assert run(prices_by_id, [stored.id]) == {stored.id: GPT}
    run(set_price, GPT, NOW)
    assert run(lambda session: session.scalar(select(func.count()).select_from(tables.Price))) == 3


def test_prices_of_models_are_their_names_and_all_patterns(db: Database) -> None:
    for pattern in ("gpt-4o", "qwen3", "gpt-*", "?"):
        run(set_price, model_price(pattern, RATES, NOW), NOW)
    assert {price.pattern for price in run(prices_of_models, ["GPT-4o", "other"])} == {None, "gpt-4o", "gpt-*", "?"}
    assert {price.pattern for price in run(prices_of_models, [])} == {None, "gpt-*", "?"}
