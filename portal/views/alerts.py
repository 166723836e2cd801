"""An account's alert settings."""

from sqlalchemy.orm import Session

from portal.db.alerts import AlertSettings, alert_settings

__all__ = ["AlertSettings", "load_alerts"]


def load_alerts(session: Session, account_id: int) -> AlertSettings:
    """Return the settings in force."""
    return alert_settings(session, account_id)
