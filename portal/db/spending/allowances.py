"""Allowances: extra tokens for one period of an account. `db.spending.budgets` adds them to the limits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from portal.db.tables import Account, Allowance
from portal.rules.periods import Period
from portal.rules.spending.allowances import NewAllowance

_Grantor = aliased(Account)


class AllowanceRow(NamedTuple):
    """An allowance with the names of its person and of the account that granted it; None for an operator."""

    allowance: Allowance
    username: str
    display_name: str
    granted_by: str | None


def add_allowance(
    session: Session, account_id: int, new: NewAllowance, created_by: int | None, now: datetime
) -> Allowance:
    """Store an allowance that is in force from now on."""
    row = Allowance(
        account_id=account_id,
        period=new.period.value,
        tokens=new.tokens,
        reason=new.reason,
        starts_at=now,
        ends_at=new.ends_at,
        created_by=created_by,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def allowance(session: Session, allowance_id: int) -> Allowance | None:
    """Return the allowance with this id, with its present values; None if there is none."""
    return session.get(Allowance, allowance_id, populate_existing=True)


def tokens_in_force(session: Session, account_id: int, period: Period, now: datetime) -> int:
    """Return the tokens of all allowances of an account and period that have not ended."""
    running = Allowance.ends_at > now, Allowance.ended_at.is_(None)
    tokens = select(func.sum(Allowance.tokens)).where(Allowance.account_id == account_id, *running)
    return int(session.scalar(tokens.where(Allowance.period == period.value)) or 0)


def allowances_of(session: Session, account_id: int, limit: int) -> Sequence[AllowanceRow]:
    """Return an account's allowances, newest first."""
    return _rows(session, _with_names().where(Allowance.account_id == account_id), limit)


def running_allowances(session: Session, now: datetime, limit: int) -> Sequence[AllowanceRow]:
    """Return the allowances of all accounts that have not ended, newest first; for operators."""
    return _rows(session, _with_names().where(Allowance.ends_at > now, Allowance.ended_at.is_(None)), limit)


def ended_between(session: Session, since: datetime, until: datetime) -> list[int]:
    """Return the ids of active accounts with an allowance that ended by itself after `since`, up to `until`."""
    of_active = select(Allowance.account_id).join(Account, Account.id == Allowance.account_id).where(Account.active)
    ended = of_active.where(Allowance.ends_at > since, Allowance.ends_at <= until, Allowance.ended_at.is_(None))
    return list(session.scalars(ended.distinct().order_by(Allowance.account_id)))


def _with_names() -> Select[*tuple[Any, ...]]:
    return (
        select(Allowance, Account.username, Account.display_name, _Grantor.username)
        .join(Account, Account.id == Allowance.account_id)
        .outerjoin(_Grantor, _Grantor.id == Allowance.created_by)
    )


def _rows(session: Session, wanted: Select[*tuple[Any, ...]], limit: int) -> Sequence[AllowanceRow]:
    return [AllowanceRow(*row) for row in session.execute(wanted.order_by(Allowance.id.desc()).limit(limit))]
