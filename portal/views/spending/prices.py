"""The price book."""

from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from portal.db.metering.events import count_unpriced
from portal.db.spending.prices import price_book
from portal.rules.spending.prices import Price, prices_in_force


@dataclass(frozen=True, slots=True)
class PriceView:
    """An entry of the price book.

    `valid_from` is None for the first price, which has always been in force. A general entry has `eur_per_token`; a
    model entry has the pattern `model` and EUR per million tokens in `prompt`, `completion` and `cached`; without them
    it ends the price of its pattern. `in_force` is whether it is the present one of its pattern.
    """

    valid_from: datetime | None
    eur_per_token: Decimal | None
    in_force: bool
    model: str | None = None
    prompt: Decimal | None = None
    completion: Decimal | None = None
    cached: Decimal | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class PriceList:
    """All prices, the general ones first, and the number of requests that are stored without a cost."""

    prices: tuple[PriceView, ...]
    unpriced: int


def load_prices(session: Session, now: datetime) -> PriceList:
    """Return the price book; for operators."""
    entries = price_book(session)
    present = {price.id for price in prices_in_force(entries, now)}
    return PriceList(tuple(_view(price, price.id in present) for price in entries), count_unpriced(session))


def _view(price: Price, in_force: bool) -> PriceView:
    rates = asdict(price.rates) if price.rates else {}
    general = price.eur_per_token if price.pattern is None else None
    return PriceView(price.valid_from, general, in_force, price.pattern, **rates, source=price.source)
