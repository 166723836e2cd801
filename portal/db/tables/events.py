"""Usage events: stored, held and pruned, and the notes on them."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db.sql.types import BigId
from portal.db.tables.base import CLUSTERED, Table


class UsageEvent(Table):
    """One LLM request as a gateway reported it; it is never changed.

    `team_id` is the team of the account when the event was stored.

    `cost_nano_eur` is null if no price was valid at its time; a repair sets it later. `price_id`
    is the entry of the price book that made the cost; null also for events of releases that did not store it.
    """

    __tablename__ = "usage_events"
    __table_args__ = (
        UniqueConstraint("gateway_id", "external_id"),
        Index("ix_usage_events_account", "account_id", "requested_at", "id"),
        Index("ix_usage_events_time", "requested_at", "id"),
        Index("ix_usage_events_team", "team_id", "requested_at", "id"),
        Index(
            "ix_usage_events_unpriced",
            "requested_at",
            sqlite_where=text("cost_nano_eur IS NULL"),
            postgresql_where=text("cost_nano_eur IS NULL"),
        ),
        CheckConstraint("prompt_tokens >= 0 AND completion_tokens >= 0 AND billable_tokens >= 0", "tokens"),
        CheckConstraint("cost_nano_eur >= 0", "cost"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateways.id"))
    external_id: Mapped[str] = mapped_column(String(256))
    fingerprint: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    api_key_id: Mapped[int | None] = mapped_column(ForeignKey("api_keys.id"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    session_id: Mapped[str | None] = mapped_column(String(256))
    model: Mapped[str] = mapped_column(String(200))
    provider_model: Mapped[str | None] = mapped_column(String(200))
    mode: Mapped[str] = mapped_column(String(64))
    template: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(64))
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    cached_tokens: Mapped[int]
    reasoning_tokens: Mapped[int]
    cost_factor: Mapped[Decimal]
    billable_tokens: Mapped[int]
    cost_nano_eur: Mapped[int | None]
    price_id: Mapped[int | None] = mapped_column(ForeignKey("prices.id"))
    latency_ms: Mapped[int | None]
    requested_at: Mapped[datetime]
    received_at: Mapped[datetime]
    without_counts: Mapped[bool] = mapped_column(server_default=false())


class HeldEvent(Table):
    """An event that could not be counted: its key is unknown, or its id is stored with different content."""

    __tablename__ = "held_events"
    __table_args__ = (
        UniqueConstraint("gateway_id", "external_id", "fingerprint"),
        Index(
            "ix_held_events_unsettled",
            "id",
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
        Index("ix_held_events_received_at", "received_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateways.id"))
    external_id: Mapped[str] = mapped_column(String(256))
    fingerprint: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(16))
    body: Mapped[str]
    requested_at: Mapped[datetime]
    received_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]


class PrunedEvent(Table):
    """The id of an event that was pruned, so that it is never counted again."""

    __tablename__ = "pruned_events"
    __table_args__ = (CLUSTERED,)

    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateways.id"), primary_key=True)
    external_id: Mapped[str] = mapped_column(String(256), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))


class Note(Table):
    """An account's private text on one of its usage events."""

    __tablename__ = "notes"
    __table_args__ = (Index("ix_notes_updated_at", "updated_at", "usage_id"),)

    usage_id: Mapped[int] = mapped_column(ForeignKey("usage_events.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    text: Mapped[str]
    updated_at: Mapped[datetime]
