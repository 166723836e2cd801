"""The price book for administrators: page, JSON, export and command; and the requests without a cost."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from portal.db.spending.price_list import PriceListRow, price_list, unpriced_models
from portal.rules.lists import ListFilter
from portal.rules.people.actors import Actor
from portal.rules.spending.price_list import PRICE_LIST, PriceStatus, UnpricedModel
from portal.views.authority import check_reader
from portal.views.lists import ListView, load_list, load_list_rows


@dataclass(frozen=True, slots=True)
class PriceItem:
    """An entry of the price book.

    `valid_from` is None for the first price, which has always been in force. A general entry has `eur_per_token`; a
    model entry has the pattern `model` and EUR per million tokens in `prompt`, `completion` and `cached`; without them
    it ends the price of its pattern (`is_end`).
    """

    id: int
    valid_from: datetime | None
    eur_per_token: Decimal | None
    status: PriceStatus
    entered_at: datetime
    model: str | None = None
    prompt: Decimal | None = None
    completion: Decimal | None = None
    cached: Decimal | None = None
    source: str = ""
    is_end: bool = False


@dataclass(frozen=True, slots=True)
class PricePage(ListView[PriceItem]):
    """One page of the price book, and the models with requests that have no cost."""

    unpriced: tuple[UnpricedModel, ...] = ()


def load_price_list(
    session: Session, reader: Actor, wanted: ListFilter, now: datetime, limit: int, cursor: str | None = None
) -> PricePage:
    """Return one page of the list. Raises Forbidden, and InvalidInput for a malformed cursor."""
    check_reader(session, reader)
    found = load_list(session, price_list(wanted, now), PRICE_LIST, wanted, limit, cursor)
    unpriced = tuple(unpriced_models(session))
    return PricePage(tuple(map(_item, found.rows)), found.total, found.before, found.back, found.on, unpriced)


def load_price_rows(session: Session, reader: Actor, wanted: ListFilter, now: datetime) -> Iterator[PriceItem]:
    """Return all filtered entries, in the order of the filter; needs an open session. Raises Forbidden."""
    check_reader(session, reader)
    return map(_item, load_list_rows(session, price_list(wanted, now), PRICE_LIST, wanted))


def load_unpriced(session: Session, reader: Actor) -> tuple[UnpricedModel, ...]:
    """Return the models with requests that have no cost, the most first. Raises Forbidden."""
    check_reader(session, reader)
    return tuple(unpriced_models(session))


def _item(row: PriceListRow) -> PriceItem:
    price = row.price
    return PriceItem(
        id=price.id or 0,
        valid_from=price.valid_from,
        eur_per_token=price.eur_per_token if price.pattern is None else None,
        status=PriceStatus(row.status),
        entered_at=row.entered_at,
        model=price.pattern,
        **(asdict(price.rates) if price.rates else {}),
        source=price.source,
        is_end=price.is_end,
    )
