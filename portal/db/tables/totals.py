"""Summed tables, which `db.metering.totals` describes, and the results of their verification."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db.tables.base import CLUSTERED, Table


class SummedColumns:
    """The sums of counters and roll-ups; `tokens` are billable, the other two kinds of tokens are raw.

    `requests` is the number of all requests, `unpriced` of those without a cost, `without_counts` of those with unknown
    tokens.
    """

    tokens: Mapped[int]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    requests: Mapped[int]
    cost_nano_eur: Mapped[int]
    unpriced: Mapped[int]
    without_counts: Mapped[int] = mapped_column(server_default=text("0"))


class UsageCounter(SummedColumns, Table):
    """The usage of an account in one period: a day, a month (`start` is its first day) or its whole life."""

    __tablename__ = "usage_counters"
    __table_args__ = (Index("ix_usage_counters_period", "period", "start"), CLUSTERED)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    period: Mapped[str] = mapped_column(String(8), primary_key=True)
    start: Mapped[date] = mapped_column(primary_key=True)


class KeyCounter(SummedColumns, Table):
    """The usage of an API key in one period, as in UsageCounter."""

    __tablename__ = "key_counters"
    __table_args__ = (CLUSTERED,)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    api_key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id"), primary_key=True)
    period: Mapped[str] = mapped_column(String(8), primary_key=True)
    start: Mapped[date] = mapped_column(primary_key=True)


class UsageByModel(SummedColumns, Table):
    """The usage of an account by model and mode on one day of the budget time zone."""

    __tablename__ = "usage_by_model"
    __table_args__ = (Index("ix_usage_by_model_mode", "account_id", "mode"), CLUSTERED)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    mode: Mapped[str] = mapped_column(String(64), primary_key=True)


class DetailColumns(SummedColumns):
    """The key columns of roll-ups besides their time; `api_key_id` is 0 for usage without a key."""

    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    mode: Mapped[str] = mapped_column(String(64), primary_key=True)
    api_key_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    failed: Mapped[bool] = mapped_column(primary_key=True)


class DayColumns(DetailColumns):
    """The other key columns of roll-ups of days.

    `team_id` is 0 for usage without a team, `gateway_id` is 0 for usage that an older version has pruned.
    """

    team_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    gateway_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class UsageDaily(DayColumns, Table):
    """The usage of an account on one day of the budget time zone, with pruned events."""

    __tablename__ = "usage_daily"
    __table_args__ = (Index("ix_usage_daily_team", "team_id", "day"), CLUSTERED)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, sort_order=-2)
    day: Mapped[date] = mapped_column(primary_key=True, sort_order=-1)


class UsageHourly(DetailColumns, Table):
    """The sums of the stored events of one hour (UTC); for days in other zones than the budget time zone."""

    __tablename__ = "usage_hourly"
    __table_args__ = (CLUSTERED,)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, sort_order=-2)
    hour: Mapped[datetime] = mapped_column(primary_key=True, sort_order=-1)


class UsagePruned(DayColumns, Table):
    """The sums of the pruned events of one day of the budget time zone."""

    __tablename__ = "usage_pruned"
    __table_args__ = (CLUSTERED,)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, sort_order=-2)
    day: Mapped[date] = mapped_column(primary_key=True, sort_order=-1)


class TeamCounter(SummedColumns, Table):
    """The usage of a team in one period, as in UsageCounter; team 0 is the usage without a team.

    All rows of a period together are the usage of the organisation.
    """

    __tablename__ = "team_counters"
    __table_args__ = (Index("ix_team_counters_period", "period", "start"), CLUSTERED)

    team_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    period: Mapped[str] = mapped_column(String(8), primary_key=True)
    start: Mapped[date] = mapped_column(primary_key=True)


class OrganisationDaily(SummedColumns, Table):
    """The usage of all accounts on one day of the budget time zone, by gateway, model and mode."""

    __tablename__ = "organisation_daily"
    __table_args__ = (CLUSTERED,)

    day: Mapped[date] = mapped_column(primary_key=True)
    gateway_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    mode: Mapped[str] = mapped_column(String(64), primary_key=True)


class Verification(Table):
    """A comparison of all sums with the events; the first process of the night creates the row.

    `faults` is a JSON list of sentences about the first differences.
    """

    __tablename__ = "verifications"

    day: Mapped[date] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    accounts: Mapped[int]
    requests: Mapped[int]
    differences: Mapped[int]
    faults: Mapped[str] = mapped_column(server_default="[]")
