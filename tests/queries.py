"""Queries that only tests need."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db.tables import AuditEntry, HeldEvent


def entries(session: Session, account_id: int | None) -> list[AuditEntry]:
    """Return the audit entries about an account, newest first."""
    about = select(AuditEntry).where(AuditEntry.account_id == account_id)
    return list(session.scalars(about.order_by(AuditEntry.id.desc())))


def count_held(session: Session) -> dict[str, int]:
    """Return how many events are held and unsettled, by reason."""
    unsettled = select(HeldEvent.reason, func.count()).where(HeldEvent.resolved_at.is_(None))
    return {row[0]: row[1] for row in session.execute(unsettled.group_by(HeldEvent.reason))}
