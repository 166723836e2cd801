"""The price book. An entry is never deleted, since events refer to the entry that priced them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.db import tables
from portal.db.sql.text_list import among
from portal.rules.spending.prices import Price, Rates


def price_book(session: Session) -> list[Price]:
    """Return all entries that are not removed: general ones, then by pattern; of each the oldest first."""
    return [price_of(row) for row in session.connection().execute(_PRICE_BOOK)]


def prices_of_models(session: Session, models: Iterable[str]) -> list[Price]:
    """Return the entries that may price these models: general ones, their exact names, and all patterns."""
    names = {"models": sorted({model.lower() for model in models})}
    return [price_of(row) for row in session.connection().execute(_OF_MODELS, names)]


def prices_by_id(session: Session, ids: Iterable[int]) -> dict[int, Price]:
    """Return entries by id, removed ones as well."""
    rows = session.execute(select(*PRICE_COLUMNS).where(tables.Price.id.in_(list(ids))))
    return {row.id: price_of(row) for row in rows}


PRICE_COLUMNS = (
    tables.Price.id,
    tables.Price.valid_from,
    tables.Price.eur_per_token,
    tables.Price.pattern,
    tables.Price.prompt_eur,
    tables.Price.completion_eur,
    tables.Price.cached_eur,
    tables.Price.source,
    tables.Price.is_end,
)
_PRICE_BOOK = (
    select(*PRICE_COLUMNS)
    .where(tables.Price.removed_at.is_(None))
    .order_by(
        tables.Price.pattern.is_not(None),
        tables.Price.pattern,
        tables.Price.valid_from.is_not(None),
        tables.Price.valid_from,
    )
)
_OF_MODELS = (
    select(*PRICE_COLUMNS)
    .where(tables.Price.removed_at.is_(None))
    .where(
        tables.Price.pattern.is_(None)
        | tables.Price.pattern.contains("*")
        | tables.Price.pattern.contains("?")
        | among(tables.Price.pattern, "models")
    )
)


def price_of(row: Any) -> Price:
    """Return the entry in a row of PRICE_COLUMNS."""
    price_id, valid_from, eur_per_token, pattern, prompt, completion, cached, source, is_end = row
    rates = None if pattern is None or is_end else Rates(prompt, completion, cached)
    return Price(eur_per_token, valid_from, pattern, rates, source, price_id)


def entry_at(session: Session, pattern: str | None, valid_from: datetime | None) -> Price | None:
    """Return the entry of a pattern (None: general) that begins at an instant (None: always); None if there is none."""
    row = session.execute(select(*PRICE_COLUMNS).where(*_same(pattern, valid_from))).first()
    return None if row is None else price_of(row)


def entry_by_id(session: Session, price_id: int) -> Price | None:
    """Return an entry that is not removed."""
    row = session.execute(select(*PRICE_COLUMNS).where(tables.Price.id == price_id, tables.Price.removed_at.is_(None)))
    return next(map(price_of, row), None)


def set_price(session: Session, price: Price, now: datetime) -> bool:
    """Store an entry in place of the one for the same pattern and instant; return False if the prices are equal."""
    lock_book(session)
    kept = entry_at(session, price.pattern, price.valid_from)
    if kept is not None:
        if (kept.eur_per_token, kept.rates) == (price.eur_per_token, price.rates):
            return False
        session.execute(update(tables.Price).where(tables.Price.id == kept.id).values(removed_at=now))
    session.add(_entry(price, now))
    session.flush()
    return True


def set_prices(session: Session, prices: Sequence[Price], now: datetime) -> None:
    """Store many entries, each in place of the one for the same pattern and instant."""
    lock_book(session)
    kept = {(entry.pattern, entry.valid_from): entry.id for entry in price_book(session)}
    replaced = [found for price in prices if (found := kept.get((price.pattern, price.valid_from))) is not None]
    if replaced:
        session.execute(update(tables.Price), [{"id": found, "removed_at": now} for found in replaced])
    session.add_all([_entry(price, now) for price in prices])
    session.flush()


def _entry(price: Price, now: datetime) -> tables.Price:
    rates = Rates(Decimal(0), Decimal(0), Decimal(0)) if price.is_end else price.rates
    return tables.Price(
        valid_from=price.valid_from,
        eur_per_token=price.eur_per_token,
        pattern=price.pattern,
        prompt_eur=rates and rates.prompt,
        completion_eur=rates and rates.completion,
        cached_eur=rates and rates.cached,
        source=price.source,
        is_end=price.is_end,
        created_at=now,
    )


def remove_price_of(session: Session, pattern: str | None, valid_from: datetime | None, now: datetime) -> Price | None:
    """Take the entry of a pattern (None: general) and an instant (None: always) out of the book; return it."""
    lock_book(session)
    found = entry_at(session, pattern, valid_from)
    if found is not None:
        session.execute(update(tables.Price).where(tables.Price.id == found.id).values(removed_at=now))
    return found


def lock_book(session: Session) -> None:
    """Have other changes of the book wait until the transaction ends; storing events does not wait."""
    session.execute(select(tables.Price.id).order_by(tables.Price.id).with_for_update(key_share=True)).all()


def _same(pattern: str | None, valid_from: datetime | None) -> tuple[Any, ...]:
    entry = tables.Price
    return (
        entry.removed_at.is_(None),
        entry.pattern.is_(None) if pattern is None else entry.pattern == pattern,
        entry.valid_from.is_(None) if valid_from is None else entry.valid_from == valid_from,
    )
