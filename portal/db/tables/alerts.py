"""The settings of alerts, and the crossings that were found."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false, text, true
from sqlalchemy.orm import Mapped, mapped_column

from portal.db.sql.types import BigId
from portal.db.tables.base import Table


class AlertSettings(Table):
    """The settings of an account's alerts; without a row alerts are off.

    Where `email` is null, mails go to the account's address. `forecast` is whether to warn of a budget that will be
    used up before it resets, `on_desktop` whether the desktop program shows notifications.
    """

    __tablename__ = "alert_settings"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    enabled: Mapped[bool]
    threshold_percent: Mapped[int]
    second_threshold_percent: Mapped[int | None]
    forecast: Mapped[bool] = mapped_column(server_default=false())
    on_desktop: Mapped[bool] = mapped_column(server_default=true())
    email: Mapped[str | None] = mapped_column(String(254))
    updated_at: Mapped[datetime]


class Crossing(Table):
    """A warning about a budget: usage reached a threshold, or a forecast says that the budget ends before it resets.

    There is one for each period, limit and threshold, and one forecast for each period and limit. `threshold` is in
    percent, and null for a forecast. `consumed` and `limit` are billable tokens at the time of the warning. Only the
    desktop program writes `notified_at`, when it takes the crossing for a notification.
    """

    __tablename__ = "crossings"
    __table_args__ = (
        UniqueConstraint("account_id", "period", "start", "threshold", "limit"),  # nulls differ: see the index
        Index(
            "ix_crossings_forecast",
            "account_id",
            "period",
            "start",
            "limit",
            unique=True,
            sqlite_where=text("kind = 'forecast'"),
            postgresql_where=text("kind = 'forecast'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    period: Mapped[str] = mapped_column(String(8))
    start: Mapped[date]
    kind: Mapped[str] = mapped_column(String(16))
    threshold: Mapped[int | None]
    consumed: Mapped[int]
    limit: Mapped[int]
    crossed_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    notified_at: Mapped[datetime | None]
