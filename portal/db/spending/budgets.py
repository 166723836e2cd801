"""Budgets: the limits of accounts, with the allowances in force, and the usage that counts against them.

Decision: every statement that decides or shows something reads the columns `BUDGET`, and `limits_of` adds the
allowances in force at `:now`. So cards, authorization, alerts and forecasts have the same limit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVarTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Label,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.orm import Session, aliased, join

from portal.db.metering.totals import figures_of, summed
from portal.db.people.keys import usable
from portal.db.people.sessions import running
from portal.db.sql.frequent import FrequentStatement
from portal.db.sql.functions import largest
from portal.db.sql.types import Instant
from portal.db.sql.upsert import upsert
from portal.db.tables import Account, Allowance, ApiKey, Budget, KeyBudget, KeyCounter, UsageCounter
from portal.db.tables import Session as SessionRow
from portal.rules.metering.figures import SUMS, Figures
from portal.rules.periods import Period, period_start
from portal.rules.spending.allowances import Extra
from portal.rules.spending.budgets import BudgetType, Limits, PeriodBudget

Columns = TypeVarTuple("Columns")

COUNTERS = {period: aliased(UsageCounter, name=f"counter_{period}") for period in Period}
"""The counters of the three periods in which a day lies, for statements that read them all at once."""
_NOW = bindparam("now", type_=Instant())


def _of_allowances(aggregate: ColumnElement[Any], period: Period, name: str) -> Label[Any]:
    """Return the column `name`: an aggregate over the allowances in force for a period of the budget's account."""
    in_force = Allowance.starts_at <= _NOW, Allowance.ends_at > _NOW, Allowance.ended_at.is_(None)
    of_period = Allowance.account_id == Budget.account_id, Allowance.period == literal_column(f"'{period}'")
    return select(aggregate).where(*of_period, *in_force).correlate(Budget).scalar_subquery().label(f"{name}_{period}")


_EXTRA = {period: _of_allowances(func.sum(Allowance.tokens), period, "extra") for period in Period}
BUDGET = (
    *(Budget.daily, Budget.monthly, Budget.total, Budget.type),
    *_EXTRA.values(),
)
"""The columns that `limits_of` reads; the parameter `now` decides which allowances are in force."""
_UNTIL = tuple(_of_allowances(func.min(Allowance.ends_at), period, "until") for period in Period)


KEY_COUNTERS = {period: aliased(KeyCounter, name=f"key_counter_{period}") for period in Period}
"""The counters of a key with a budget in the three periods in which a day lies; a key without one has none here."""


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """An account's limits in force, its usage in the three periods of a day, and the day of its first usage (`began`).

    Teams have the same, with the `account_id` 0. `extra` are the allowances that the limits include.
    """

    account_id: int
    limits: Limits
    extra: Mapping[Period, Extra]
    used: Mapping[Period, Figures]
    began: date | None


def limits(session: Session, account_id: int) -> Limits:
    """Return an account's limits as they are set, without allowances; all None where it has no budget."""
    row = session.get(Budget, account_id, populate_existing=True)
    return Limits() if row is None else stored_limits_of(row)


def limits_in_force(session: Session, account_id: int, now: datetime) -> Limits:
    """Return an account's limits with the allowances in force at `now`."""
    row = session.execute(select(*BUDGET).where(Budget.account_id == account_id), {"now": now}).first()
    return Limits() if row is None else limits_of(row)


def budget_status(connection: Connection, account_id: int, day: date, now: datetime) -> BudgetStatus:
    """Return the limits and usage of an account at `now`, on a day of the budget time zone. Raises NoResultFound."""
    values = {"account_id": account_id, "now": now} | starts(day)
    return _budget_status(_BY_ACCOUNT.execute(connection, values).one())


def budget_status_of_session(
    connection: Connection, token_hash: str, day: date, now: datetime
) -> tuple[BudgetStatus, datetime] | None:
    """Return the status for the active account of a running session, and when the session was last used."""
    row = _BY_SESSION.execute(connection, {"token_hash": token_hash, "now": now} | starts(day)).first()
    return None if row is None else (_budget_status(row), row[-1])


def budget_status_of_key(connection: Connection, key_hash: str, day: date, now: datetime) -> BudgetStatus | None:
    """Return the status for the active account of a usable key."""
    row = _BY_KEY.execute(connection, {"key_hash": key_hash, "now": now} | starts(day)).first()
    return None if row is None else _budget_status(row)


def set_limits(session: Session, account_id: int, new: Limits, now: datetime) -> None:
    """Replace an account's limits."""
    values = {"daily": new.daily, "monthly": new.monthly, "total": new.total, "type": new.type, "updated_at": now}
    upsert(session, Budget, {"account_id": account_id}, values)


def key_limits(session: Session, key_id: int) -> Limits:
    """Return the limits of a key; all None where it has no budget."""
    row = session.get(KeyBudget, key_id, populate_existing=True)
    return Limits() if row is None else Limits(row.daily, row.monthly, row.total)


def set_key_limits(session: Session, key_id: int, new: Limits, now: datetime) -> None:
    """Replace the limits of a key; without any limit it has no budget."""
    if new == Limits():
        session.execute(delete(KeyBudget).where(KeyBudget.api_key_id == key_id))
        return
    values = {"daily": new.daily, "monthly": new.monthly, "total": new.total, "updated_at": now}
    upsert(session, KeyBudget, {"api_key_id": key_id}, values)


def key_budgets(session: Session, account_id: int, day: date) -> dict[int, dict[Period, PeriodBudget]]:
    """Return the budgets of an account's keys in the periods of a day, by key id; without keys that have no budget."""
    statement = with_key_counters(
        select(
            *(KeyBudget.api_key_id, KeyBudget.daily, KeyBudget.monthly, KeyBudget.total),
            *(counter.tokens.label(f"used_{period}") for period, counter in KEY_COUNTERS.items()),
        )
        .select_from(KeyBudget)
        .join(ApiKey, ApiKey.id == KeyBudget.api_key_id)
    ).where(ApiKey.account_id == account_id)
    return {
        row.api_key_id: {
            period: PeriodBudget(getattr(row, period.value), getattr(row, f"used_{period}") or 0) for period in Period
        }
        for row in session.execute(statement, starts(day))
    }


def stored_limits_of(row: Any) -> Limits:
    """Return the limits in a row with the columns of a budget, or nulls in their place."""
    return Limits() if row.type is None else Limits(row.daily, row.monthly, row.total, BudgetType(row.type))


def limits_of(row: Any) -> Limits:
    """Return the limits in force in a row that has the columns `BUDGET`, or nulls in their place."""
    extra = {period: int(tokens) for period in Period if (tokens := getattr(row, f"extra_{period}"))}
    return stored_limits_of(row).raised(extra) if extra else stored_limits_of(row)


def with_counters(statement: Select[*Columns]) -> Select[*Columns]:
    """Join the `COUNTERS` to a statement that selects from accounts; its parameters are `starts`."""
    for period, counter in COUNTERS.items():
        statement = statement.outerjoin(counter, and_(counter.account_id == Account.id, in_period(counter, period)))
    return statement


def with_key_counters(statement: Select[*Columns]) -> Select[*Columns]:
    """Join the `KEY_COUNTERS` to a statement that selects from keys and their budgets; its parameters are `starts`."""
    for period, counter in KEY_COUNTERS.items():
        of_key = counter.account_id == ApiKey.account_id, counter.api_key_id == KeyBudget.api_key_id
        statement = statement.outerjoin(counter, and_(*of_key, in_period(counter, period)))
    return statement


def in_period(counter: Any, period: Period) -> ColumnElement[bool]:
    """Return the condition that a counter is of the period in which a day lies; its parameters are `starts`.

    The name of the period is part of the statement: binding values takes longer than reading a counter.
    """
    start = bindparam(f"{period}_start", type_=counter.start.type)
    return and_(counter.period == text(f"'{period}'"), counter.start == start)


def starts(day: date) -> dict[str, date]:
    """Return the parameters of `with_counters`, for the periods in which `day` lies."""
    return {f"{period}_start": period_start(period, day) for period in Period}


def fullest() -> ColumnElement[int]:
    """Return how full the fullest budget of an account is, in tenths of a percent; -1 without a limit.

    For sorting in statements with `BUDGET` and `with_counters`; `rules.spending.budgets` has exact values.
    """
    return largest(*(_fullness(period) for period in Period))


def _fullness(period: Period) -> ColumnElement[int]:
    limit = getattr(Budget, period.value) + func.coalesce(_EXTRA[period].element, 0)
    used = COUNTERS[period].tokens
    is_free = limit.is_(None)
    if period is not Period.TOTAL:
        is_free = is_free | (Budget.type == BudgetType.ONE_TIME.value)
    return case((is_free, -1), (limit == 0, 1000), else_=func.coalesce(used, 0) * 1000 // limit)


def _budget_status(row: Any) -> BudgetStatus:
    used = {
        period: figures_of(row[_FIRST + number * len(SUMS) : _FIRST + (number + 1) * len(SUMS)])
        for number, period in enumerate(Period)
    }
    return BudgetStatus(row.id, limits_of(row), _extra_of(row), used, row.began)


def _extra_of(row: Any) -> dict[Period, Extra]:
    extra = {}
    for period in Period:
        tokens = getattr(row, f"extra_{period}")
        if tokens and stored_limits_of(row).in_force(period) is not None:
            extra[period] = Extra(int(tokens), getattr(row, f"until_{period}"))
    return extra


def _budget_status_in(accounts: Any) -> Select[*tuple[Any, ...]]:
    """Return the statement that reads the status; `accounts` is the table or a join that ends with it."""
    began = select(func.min(UsageCounter.start)).where(
        UsageCounter.account_id == Account.id, UsageCounter.period == Period.DAILY.value
    )
    used = [column for counter in COUNTERS.values() for column in summed(counter)]
    return with_counters(
        select(Account.id, *BUDGET, *_UNTIL, began.scalar_subquery().label("began"), *used)
        .select_from(accounts)
        .outerjoin(Budget, Budget.account_id == Account.id)
    )


# Programs and open pages run these statements often.
_FIRST = 2 + len(BUDGET) + len(_UNTIL)  # where in a row the first counter begins
_BY_ACCOUNT = FrequentStatement(_budget_status_in(Account).where(Account.id == bindparam("account_id")))
_BY_KEY = FrequentStatement(
    _budget_status_in(join(ApiKey, Account, ApiKey.account_id == Account.id)).where(
        ApiKey.key_hash == bindparam("key_hash"), *usable(_NOW), Account.active
    )
)
_BY_SESSION = FrequentStatement(
    _budget_status_in(join(SessionRow, Account, SessionRow.account_id == Account.id))
    .where(SessionRow.token_hash == bindparam("token_hash"), *running(_NOW))
    .add_columns(SessionRow.last_seen_at)
)
