"""The audit log, and values that never change in a database."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.db.sql.types import BigId
from portal.db.tables.base import Table


class AuditEntry(Table):
    """A change, with its actor; `details` is JSON without secrets."""

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    details: Mapped[str]


class Installation(Table):
    """A value that belongs to the database, such as the zone in which its days are counted."""

    __tablename__ = "installation"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str]
