"""Allowances of accounts."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.spending.allowances import AllowanceRow, allowances_of, running_allowances
from portal.db.spending.allowances import ended_between as ended_between  # noqa: PLC0414  # for jobs, which do not import db
from portal.rules.periods import Period
from portal.rules.spending.allowances import AllowanceState, allowance_state

SHOWN = 500
"""Number of allowances in a list, the newest ones."""


@dataclass(frozen=True, slots=True)
class AllowanceView:
    """Extra billable tokens of an account; `granted_by` is None for an operator."""

    id: int
    account_id: int
    username: str
    display_name: str
    period: Period
    tokens: int
    reason: str
    state: AllowanceState
    starts_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    granted_by: str | None


def load_allowances(session: Session, account_id: int, now: datetime) -> tuple[AllowanceView, ...]:
    """Return an account's allowances, newest first."""
    return tuple(_view(row, now) for row in allowances_of(session, account_id, SHOWN))


def load_running_allowances(session: Session, now: datetime) -> tuple[AllowanceView, ...]:
    """Return the allowances of all accounts that have not ended; for operators and administrators."""
    return tuple(_view(row, now) for row in running_allowances(session, now, SHOWN))


def _view(row: AllowanceRow, now: datetime) -> AllowanceView:
    found = row.allowance
    return AllowanceView(
        id=found.id,
        account_id=found.account_id,
        username=row.username,
        display_name=row.display_name,
        period=Period(found.period),
        tokens=found.tokens,
        reason=found.reason,
        state=allowance_state(found.starts_at, found.ends_at, found.ended_at, now),
        starts_at=found.starts_at,
        ends_at=found.ends_at,
        ended_at=found.ended_at,
        granted_by=row.granted_by,
    )
