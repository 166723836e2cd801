"""The price book."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.db import tables
from portal.db.sql.upsert import insert
from portal.rules.pricing import Price


def price_book(session: Session) -> list[Price]:
    """Return every price, the oldest first."""
    return [Price(*row) for row in session.connection().execute(_PRICE_BOOK)]


_PRICE_BOOK = select(tables.Price.eur_per_token, tables.Price.valid_from).order_by(
    tables.Price.valid_from.is_not(None), tables.Price.valid_from
)


def set_price(session: Session, eur_per_token: Decimal, valid_from: datetime, now: datetime) -> None:
    """Enter a price into the book, in place of an entry for the same instant."""
    values = {"eur_per_token": eur_per_token, "created_at": now}
    session.execute(
        insert(session, tables.Price)
        .values(valid_from=valid_from, **values)
        .on_conflict_do_update(index_elements=["valid_from"], set_=values)
    )


def remove_price_of(session: Session, valid_from: datetime | None) -> bool:
    """Take the price that begins at an instant (None: since ever) out of the book; return whether there was one."""
    begins = tables.Price.valid_from.is_(None) if valid_from is None else tables.Price.valid_from == valid_from
    return session.scalar(delete(tables.Price).where(begins).returning(tables.Price.id)) is not None
