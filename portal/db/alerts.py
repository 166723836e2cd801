"""How accounts want to be warned."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db import tables
from portal.db.sql.upsert import insert
from portal.rules.alerts import DEFAULT_THRESHOLD


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """Whether mails are sent, and from which percentages on an account is warned; no email means the account's.

    `forecast` is whether it is warned of a budget that will be exhausted before it resets.
    """

    enabled: bool = False
    threshold_percent: int = DEFAULT_THRESHOLD
    email: str | None = None
    second_threshold_percent: int | None = None
    forecast: bool = False


def alert_settings(session: Session, account_id: int) -> AlertSettings:
    """Return an account's settings, or the defaults."""
    row = session.get(tables.AlertSettings, account_id)
    if row is None:
        return AlertSettings()
    return AlertSettings(row.enabled, row.threshold_percent, row.email, row.second_threshold_percent, row.forecast)


def set_alert_settings(session: Session, account_id: int, new: AlertSettings, now: datetime) -> None:
    """Replace an account's settings."""
    values = asdict(new) | {"updated_at": now}
    session.execute(
        insert(session, tables.AlertSettings)
        .values(account_id=account_id, **values)
        .on_conflict_do_update(index_elements=["account_id"], set_=values)
    )


def accounts_with_forecast(session: Session) -> list[int]:
    """Return the ids of all active accounts that want to be warned of budgets that will not last."""
    account, chosen = tables.Account, tables.AlertSettings
    wanted = select(account.id).join(chosen, chosen.account_id == account.id).where(account.active, chosen.forecast)
    return list(session.scalars(wanted.order_by(account.id)))
