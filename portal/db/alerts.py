"""How accounts want to be warned."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db import tables
from portal.db.upserts import insert

DEFAULT_THRESHOLD = 80


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """Whether and from which percentage on to warn; no email means the account's."""

    enabled: bool = False
    threshold_percent: int = DEFAULT_THRESHOLD
    email: str | None = None


def alert_settings(session: Session, account_id: int) -> AlertSettings:
    """Return an account's settings, or the defaults."""
    row = session.get(tables.AlertSettings, account_id)
    return AlertSettings() if row is None else AlertSettings(row.enabled, row.threshold_percent, row.email)


def set_alert_settings(session: Session, account_id: int, new: AlertSettings, now: datetime) -> None:
    """Replace an account's settings."""
    values = {
        "enabled": new.enabled,
        "threshold_percent": new.threshold_percent,
        "email": new.email,
        "updated_at": now,
    }
    session.execute(
        insert(session, tables.AlertSettings)
        .values(account_id=account_id, **values)
        .on_conflict_do_update(index_elements=["account_id"], set_=values)
    )
