"""Default budgets, extra tokens for a time, and what people ask for."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db.sql.types import BigId
from portal.db.tables.base import Table


class DefaultBudget(Table):
    """The limits that a new account of a role gets, in billable tokens; null is unlimited. No row means no budget."""

    __tablename__ = "default_budgets"

    role: Mapped[str] = mapped_column(String(16), primary_key=True)
    daily: Mapped[int | None]
    monthly: Mapped[int | None]
    total: Mapped[int | None]
    type: Mapped[str] = mapped_column(String(16))
    updated_at: Mapped[datetime]


class Allowance(Table):
    """Extra billable tokens for one period of an account, in force from `starts_at` until `ends_at` or `ended_at`.

    `created_by` is null if an operator granted it on the command line.
    """

    __tablename__ = "allowances"
    __table_args__ = (Index(None, "account_id", "period", "ends_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    period: Mapped[str] = mapped_column(String(8))
    tokens: Mapped[int]
    reason: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class BudgetRequest(Table):
    """A person asks for more tokens in one period; one request for each period may be open.

    `state` is open, approved, declined or withdrawn. `answer` is the word of the person who decided. `decided_by` is
    null if an operator decided on the command line, `read_at` until the person has seen the answer.
    """

    __tablename__ = "budget_requests"
    __table_args__ = (
        Index(
            "ix_budget_requests_open",
            "account_id",
            "period",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index(None, "account_id", "decided_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    period: Mapped[str] = mapped_column(String(8))
    tokens: Mapped[int]
    reason: Mapped[str]
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(index=True)
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    answer: Mapped[str]
    allowance_id: Mapped[int | None] = mapped_column(ForeignKey("allowances.id"))
    read_at: Mapped[datetime | None]
