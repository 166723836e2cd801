"""Alert settings."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.accounts import account
from portal.db.alerts import AlertSettings, set_alert_settings
from portal.db.audit import add_entry
from portal.errors import InvalidInput, NotSignedIn
from portal.rules.text import InvalidText, clean_email


def change_alerts(
    session: Session, account_id: int, enabled: bool, threshold_percent: int, email: str | None, now: datetime
) -> AlertSettings:
    """Store how an account wants to be warned; no email, or an empty one, means the account's own.

    Raises InvalidInput naming the field, and NotSignedIn when suspended.
    """
    own = account(session, account_id)
    if own is None or not own.active:
        raise NotSignedIn
    if not 1 <= threshold_percent <= 100:
        raise InvalidInput("The threshold is a whole number from 1 to 100.", "threshold_percent")
    try:
        address = clean_email(email) if email and email.strip() else None
    except InvalidText as error:
        raise InvalidInput(str(error), "email") from error
    new = AlertSettings(enabled, threshold_percent, address)
    set_alert_settings(session, account_id, new, now)
    add_entry(
        session, own.username, "alerts.change", now, account_id=account_id, enabled=enabled, threshold=threshold_percent
    )
    return new
