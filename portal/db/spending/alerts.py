"""The settings of alerts: when and where accounts are warned about their budgets."""

from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db import tables
from portal.db.sql.upsert import upsert
from portal.rules.spending.alerts import DEFAULT_THRESHOLD


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """Whether mails are sent, the percentages at which an account is warned, and the address of the mails.

    Without `email` mails go to the address of the account. `forecast` is whether the account is also warned of a budget
    that will be used up before it resets, `on_desktop` whether the desktop program shows notifications.
    """

    enabled: bool = False
    threshold_percent: int = DEFAULT_THRESHOLD
    email: str | None = None
    second_threshold_percent: int | None = None
    forecast: bool = False
    on_desktop: bool = True


def alert_settings(session: Session, account_id: int) -> AlertSettings:
    """Return an account's settings, or the defaults."""
    row = session.get(tables.AlertSettings, account_id)
    if row is None:
        return AlertSettings()
    return AlertSettings(**{field.name: getattr(row, field.name) for field in fields(AlertSettings)})


def set_alert_settings(session: Session, account_id: int, new: AlertSettings, now: datetime) -> None:
    """Replace an account's settings."""
    upsert(session, tables.AlertSettings, {"account_id": account_id}, asdict(new) | {"updated_at": now})


def accounts_with_forecast(session: Session) -> list[int]:
    """Return the ids of all active accounts that have switched on warnings by forecast."""
    account, chosen = tables.Account, tables.AlertSettings
    wanted = select(account.id).join(chosen, chosen.account_id == account.id).where(account.active, chosen.forecast)
    return list(session.scalars(wanted.order_by(account.id)))
