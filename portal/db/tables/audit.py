"""The audit log, and values that never change in a database."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.db.sql.types import BigId
from portal.db.tables.base import Table


class AuditEntry(Table):
    """A change: who did what to whom, when, and from where; a trigger refuses to change or delete an entry.

    `target` is `kind:name`, such as `account:7` or `gateway:moe-1`. `before`, `after` and `details` are JSON objects
    without secrets; the first two have the fields that changed.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_at", "at", "id"),
        Index("ix_audit_log_actor", "actor", "at", "id"),
        Index("ix_audit_log_action", "action", "at", "id"),
        Index("ix_audit_log_target", "target", "at", "id"),
        Index("ix_audit_log_actor_id", "actor_id", "at", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    details: Mapped[str]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    means: Mapped[str] = mapped_column(String(32), server_default="session")
    target: Mapped[str | None] = mapped_column(String(200))
    address: Mapped[str | None] = mapped_column(String(64))
    before: Mapped[str | None]
    after: Mapped[str | None]


class AuditPruning(Table):
    """The exception to the triggers of the audit log, which a transaction inserts and deletes again.

    Entries before `before_at` may be deleted; while the account `erased_id` is erased, entries may get new names.
    """

    __tablename__ = "audit_pruning"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    before_at: Mapped[datetime | None]
    erased_id: Mapped[int | None]


class Installation(Table):
    """A value that belongs to the database, such as the zone in which its days are counted."""

    __tablename__ = "installation"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str]
