"""The outbox."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db.sql.types import BigId
from portal.db.tables.base import Table


class Mail(Table):
    """A mail to send, or its result; stored in the transaction that is the reason for it.

    `state` is queued, sent or failed. No other process tries a mail before `next_try_at`. `message_id` is the same in
    all tries.
    """

    __tablename__ = "mails"
    __table_args__ = (
        Index(
            "ix_mails_due",
            "next_try_at",
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index("ix_mails_account", "account_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    crossing_id: Mapped[int | None] = mapped_column(ForeignKey("crossings.id"), unique=True)
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
