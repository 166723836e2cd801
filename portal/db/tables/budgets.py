"""Limits of accounts and keys, tokens reserved for requests that still run, and the price book."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, false, text
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


class KeyBudget(Table):
    """The limits of an API key in billable tokens, of which each period has its own; null is unlimited.

    A key without a row has no limits of its own.
    """

    __tablename__ = "key_budgets"

    api_key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id"), primary_key=True)
    daily: Mapped[int | None]
    monthly: Mapped[int | None]
    total: Mapped[int | None]
    updated_at: Mapped[datetime]


class Reservation(Table):
    """Billable tokens that are reserved for a request, until its event arrives or `expires_at`.

    They count against the budgets of the account, of the key and of the team; rows of an older version have no key.
    """

    __tablename__ = "reservations"

    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateways.id"), primary_key=True)
    request_id: Mapped[str] = mapped_column(String(256), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    api_key_id: Mapped[int | None] = mapped_column(ForeignKey("api_keys.id"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"), index=True)
    tokens: Mapped[int]
    expires_at: Mapped[datetime]


class Price(Table):
    """An entry of the price book, in force from `valid_from` on; null is always.

    A model entry has a `pattern`, and EUR per million prompt, completion and cached tokens in place of `eur_per_token`,
    which is 0. With `is_end` they are 0, and the entry ends the price of its pattern. `removed_at` is set when it is
    taken out of the book; events that it priced still refer to it.
    """

    __tablename__ = "prices"
    __table_args__ = (
        Index(
            "uq_prices_general",
            "valid_from",
            unique=True,
            sqlite_where=text("pattern IS NULL AND removed_at IS NULL"),
            postgresql_where=text("pattern IS NULL AND removed_at IS NULL"),
        ),
        Index(
            "uq_prices_pattern",
            "pattern",
            "valid_from",
            unique=True,
            sqlite_where=text("removed_at IS NULL"),
            postgresql_where=text("removed_at IS NULL"),
        ),
        CheckConstraint(
            "pattern IS NULL OR (prompt_eur IS NOT NULL AND completion_eur IS NOT NULL AND cached_eur IS NOT NULL)",
            "rates",
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    valid_from: Mapped[datetime | None]
    eur_per_token: Mapped[Decimal]
    pattern: Mapped[str | None] = mapped_column(String(200))
    prompt_eur: Mapped[Decimal | None]
    completion_eur: Mapped[Decimal | None]
    cached_eur: Mapped[Decimal | None]
    source: Mapped[str] = mapped_column(String(200), server_default=text("''"))
    is_end: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
