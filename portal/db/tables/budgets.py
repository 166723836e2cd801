"""Limits of accounts, tokens reserved for requests that still run, and the price book."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.db.sql.types import BigId
from portal.db.tables.base import Table


class Budget(Table):
    """An account's limits in billable tokens; null is unlimited. An account without a row has no limits."""

    __tablename__ = "budgets"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    daily: Mapped[int | None]
    monthly: Mapped[int | None]
    total: Mapped[int | None]
    type: Mapped[str] = mapped_column(String(16))
    updated_at: Mapped[datetime]


class Reservation(Table):
    """Billable tokens that are reserved for a request, until its event arrives or `expires_at`."""

    __tablename__ = "reservations"

    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateways.id"), primary_key=True)
    request_id: Mapped[str] = mapped_column(String(256), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    tokens: Mapped[int]
    expires_at: Mapped[datetime]


class Price(Table):
    """EUR per billable token from `valid_from` on; null is always."""

    __tablename__ = "prices"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    valid_from: Mapped[datetime | None] = mapped_column(unique=True)
    eur_per_token: Mapped[Decimal]
    created_at: Mapped[datetime]
