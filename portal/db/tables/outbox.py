"""The outbox, and the notifications that people and administrators have chosen."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db.sql.types import BigId
from portal.db.tables.base import Table


class OutboxMessage(Table):
    """A message to send by mail, webhook or chat, or its result; stored in the transaction that is the reason for it.

    `account_id` is null for the channels of the installation. `state` is queued, sent or failed. No other process tries
    a message before `next_try_at`. `message_id` is the same in all tries. `text` is the body of a webhook, in JSON, and
    the text of other messages; only mails have `html`. `recipient` is an address, for other channels a host.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_due",
            "next_try_at",
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index("ix_outbox_account", "account_id", "created_at"),
        Index(
            "ix_outbox_failed",
            "finished_at",
            sqlite_where=text("state = 'failed'"),
            postgresql_where=text("state = 'failed'"),
        ),
        Index("ix_outbox_created_at", "created_at"),
        Index("ix_outbox_crossing", "crossing_id", "channel", unique=True),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    channel: Mapped[str] = mapped_column(String(8))
    crossing_id: Mapped[int | None] = mapped_column(ForeignKey("crossings.id"))
    kind: Mapped[str] = mapped_column(String(16))
    message_id: Mapped[str] = mapped_column(String(120), unique=True)
    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(200))
    text: Mapped[str]
    html: Mapped[str]
    state: Mapped[str] = mapped_column(String(8))
    tries: Mapped[int]
    next_try_at: Mapped[datetime]
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class NotificationChannel(Table):
    """The webhook or the chat service of an account; `secret` signs the requests of a webhook.

    Decision: both are stored as they are, since the portal has to send them, and a key to decrypt them would be beside
    the database on the same machine. Pages, JSON, exports and logs show neither again. A secret only lets its reader
    forge notifications to that one webhook; a person replaces it on Profile at any time.
    """

    __tablename__ = "notification_channels"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(String(8), primary_key=True)
    url: Mapped[str]
    secret: Mapped[str | None] = mapped_column(String(80))
    updated_at: Mapped[datetime]


class NotificationChoice(Table):
    """Whether an account wants a topic on a channel; without a row the default of the topic applies."""

    __tablename__ = "notification_choices"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    topic: Mapped[str] = mapped_column(String(16), primary_key=True)
    channel: Mapped[str] = mapped_column(String(8), primary_key=True)
    is_on: Mapped[bool]


class NotificationMark(Table):
    """The state that administrators were last notified of, by subject, so that they are notified once."""

    __tablename__ = "notification_marks"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[str]
    at: Mapped[datetime]
