"""The price book."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.db import tables
from portal.db.sql.upsert import upsert
from portal.rules.spending.pricing import Price


def price_book(session: Session) -> list[Price]:
    """Return all prices, oldest first."""
    return [Price(*row) for row in session.connection().execute(_PRICE_BOOK)]


_PRICE_BOOK = select(tables.Price.eur_per_token, tables.Price.valid_from).order_by(
    tables.Price.valid_from.is_not(None), tables.Price.valid_from
)


def set_price(session: Session, eur_per_token: Decimal, valid_from: datetime, now: datetime) -> None:
    """Store a price, or replace the one for the same instant."""
    upsert(session, tables.Price, {"valid_from": valid_from}, {"eur_per_token": eur_per_token, "created_at": now})


def remove_price_of(session: Session, valid_from: datetime | None) -> bool:
    """Delete the price that is valid from an instant on (None: always); return whether there was one."""
    begins = tables.Price.valid_from.is_(None) if valid_from is None else tables.Price.valid_from == valid_from
    return session.scalar(delete(tables.Price).where(begins).returning(tables.Price.id)) is not None
