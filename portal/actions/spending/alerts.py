"""Changes to alert settings."""

from dataclasses import asdict, replace
from datetime import datetime

from sqlalchemy.orm import Session

from portal.actions.authority import own_account
from portal.actions.fields import clean_field
from portal.actions.spending.crossings import note_crossings
from portal.db.audit import add_entry
from portal.db.outbox import drop_messages
from portal.db.people.accounts import lock_account
from portal.db.spending.alerts import AlertSettings, alert_settings, set_alert_settings
from portal.errors import InvalidInput
from portal.rules.messages import message
from portal.rules.outbox import Kind
from portal.rules.people.actors import Actor
from portal.rules.spending.alerts import FULL
from portal.rules.text import clean_email
from portal.settings import settings


def change_alerts(
    session: Session,
    actor: Actor,
    enabled: bool,
    threshold_percent: int,
    email: str | None,
    now: datetime,
    *,
    second_threshold_percent: int | None = None,
    forecast: bool = False,
) -> AlertSettings:
    """Store the alert settings of an account. Without an email, mails go to the account's own address.

    A budget that is above a new threshold already causes a warning at once. Raises InvalidInput, and NotSignedIn if the
    account is suspended.
    """
    account_id = own_account(session, actor).id
    lock_account(session, account_id)
    _check("threshold_percent", threshold_percent)
    if second_threshold_percent is not None:
        _check("second_threshold_percent", second_threshold_percent)
        if second_threshold_percent == threshold_percent:
            raise InvalidInput(
                message("The second threshold is another one than the first."), "second_threshold_percent"
            )
    address = clean_field("email", clean_email, email) if email and email.strip() else None
    before = alert_settings(session, account_id)
    new = AlertSettings(
        enabled, threshold_percent, address, second_threshold_percent, forecast, on_desktop=before.on_desktop
    )
    set_alert_settings(session, account_id, new, now)
    if not enabled or address != before.email:
        drop_messages(session, account_id, "Alerts were switched off, or go elsewhere since.", now, kind=Kind.ALERT)
    old, chosen = asdict(before), asdict(new)
    add_entry(session, actor, "alerts.change", now, account_id=account_id, before=old, after=chosen)
    note_crossings(session, {account_id}, settings().budget_zone, now)
    return new


def switch_notices(session: Session, actor: Actor, on: bool, now: datetime) -> None:
    """Switch the notifications of the desktop program on or off. Raises NotSignedIn."""
    account_id = own_account(session, actor).id
    lock_account(session, account_id)
    stored = alert_settings(session, account_id)
    if stored.on_desktop != on:
        set_alert_settings(session, account_id, replace(stored, on_desktop=on), now)
        old, new = {"on_desktop": not on}, {"on_desktop": on}
        add_entry(session, actor, "alerts.desktop", now, account_id=account_id, before=old, after=new)


def _check(field: str, percent: int) -> None:
    if not 1 <= percent <= FULL:
        raise InvalidInput(message("The threshold is a whole number from 1 to 100."), field)
