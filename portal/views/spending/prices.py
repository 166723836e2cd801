"""The price book, and a preview of costs at another price."""

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from portal.db.metering.events import count_unpriced
from portal.db.metering.totals import month_of_all
from portal.db.spending.prices import price_book
from portal.errors import InvalidInput
from portal.rules.messages import message
from portal.rules.metering.figures import Figures, total
from portal.rules.periods import day_of, first_of_month
from portal.rules.spending.prices import Price, prices_in_force
from portal.rules.spending.pricing import MAX_PRICE, cost_nano_eur, is_rate
from portal.settings import settings


@dataclass(frozen=True, slots=True)
class PriceView:
    """An entry of the price book.

    `valid_from` is None for the first price, which has always been in force. A general entry has `eur_per_token`; a
    model entry has the pattern `model` and EUR per million tokens in `prompt`, `completion` and `cached`. `in_force` is
    whether it is the present one of its pattern.
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


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """The usage of one account in a month, and its cost at another price, in nano-euros."""

    username: str
    figures: Figures
    would_cost: int


@dataclass(frozen=True, slots=True)
class PreviewView:
    """The cost of a month at another price, by account, largest first; `month` is its first day."""

    month: date
    accounts: tuple[PreviewRow, ...]
    total: PreviewRow


def load_prices(session: Session, now: datetime) -> PriceList:
    """Return the price book; for operators."""
    entries = price_book(session)
    present = {price.id for price in prices_in_force(entries, now)}
    return PriceList(tuple(_view(price, price.id in present) for price in entries), count_unpriced(session))


def _view(price: Price, in_force: bool) -> PriceView:
    if price.rates is None:
        return PriceView(price.valid_from, price.eur_per_token, in_force, source=price.source)
    return PriceView(price.valid_from, None, in_force, price.pattern, **asdict(price.rates), source=price.source)


def load_preview(session: Session, eur_per_token: Decimal, month: date | None, now: datetime) -> PreviewView:
    """Return the cost of a month at another price; None is the last whole month. Raises InvalidInput."""
    if not is_rate(eur_per_token, MAX_PRICE):
        raise InvalidInput(message("A price is 0 to 1 EUR per token, with at most 12 decimals."), "eur_per_token")
    this_month = first_of_month(day_of(now, settings().budget_zone))
    first = month or first_of_month(this_month - timedelta(1))
    rows = [
        PreviewRow(username, figures, cost_nano_eur(figures.tokens, eur_per_token))
        for username, figures in month_of_all(session, first)
    ]
    whole = PreviewRow("total", total(row.figures for row in rows), sum(row.would_cost for row in rows))
    return PreviewView(first, tuple(rows), whole)
