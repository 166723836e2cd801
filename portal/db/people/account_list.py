"""The list of accounts: searched, filtered, sorted and paged by the database, with figures from counters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import case, func, literal, select

from portal.db.metering.totals import figures_of, summed
from portal.db.spending.budgets import BUDGET, COUNTERS, fullest, limits_of, starts, with_counters
from portal.db.sql.functions import contains, folded
from portal.db.sql.lists import ListQuery
from portal.db.sql.types import Instant
from portal.db.tables import Account, Budget, Team
from portal.rules.lists import ListFilter
from portal.rules.metering.figures import SUMS, Figures
from portal.rules.people.account_list import EVERY_STATUS, NO_TEAM, AccountStatus
from portal.rules.people.teams import team_key
from portal.rules.periods import Period
from portal.rules.spending.budgets import Limits

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AccountListRow:
    """An account in the list; `used` are billable tokens by period, `month` is the usage of this month."""

    id: int
    username: str
    display_name: str
    email: str
    role: str
    team: str | None
    active: bool
    deleted_at: datetime | None
    time_zone: str | None
    created_at: datetime
    signed_in_at: datetime | None
    version: int
    limits: Limits
    used: Mapping[Period, int]
    month: Figures


def account_list(
    wanted: ListFilter, today: date, now: datetime, account_id: int | None = None
) -> ListQuery[AccountListRow]:
    """Return the list of accounts that match a filter, with their usage in the periods of a day of the budget zone.

    With an `account_id` it has this account only, if it matches.
    """
    month = COUNTERS[Period.MONTHLY]
    only = () if account_id is None else (Account.id == account_id,)
    statement = (
        select(
            *(getattr(Account, name) for name in _COLUMNS),
            Team.name.label("team"),
            *BUDGET,
            *(func.coalesce(counter.tokens, 0).label(f"{period}_tokens") for period, counter in COUNTERS.items()),
            *summed(month),
        )
        .outerjoin(Budget, Budget.account_id == Account.id)
        .outerjoin(Team, Team.id == Account.team_id)
    )
    conditions = (*_conditions(wanted), *only)
    return ListQuery(
        with_counters(statement).where(*conditions).params(starts(today) | {"now": now}),
        {
            "username": Account.username,
            "name": folded(Account.display_name),
            "email": folded(Account.email),
            "role": Account.role,
            "status": _STATUS,
            "team": func.coalesce(Team.name_key, ""),
            "tokens": func.coalesce(month.tokens, 0),
            "cost": func.coalesce(month.cost_nano_eur, 0),
            "level": fullest(),
            "signed_in": func.coalesce(Account.signed_in_at, literal(NEVER, Instant()), type_=Instant()),
        },
        Account.id,
        _row,
        counted=select(Account.id).outerjoin(Team, Team.id == Account.team_id).where(*conditions),
    )


_COLUMNS = (
    *("id", "username", "display_name", "email", "role", "active"),
    *("deleted_at", "time_zone", "created_at", "signed_in_at", "version"),
)
_MONTH = len(_COLUMNS) + 1 + len(BUDGET) + len(COUNTERS)  # where in a row the month begins
_STATUS = case(
    (Account.deleted_at.is_not(None), literal(AccountStatus.DELETED.value)),
    (Account.active.is_(True), literal(AccountStatus.ACTIVE.value)),
    else_=literal(AccountStatus.SUSPENDED.value),
)


def _conditions(wanted: ListFilter) -> list[Any]:
    found: list[Any] = []
    if wanted.search:
        found.append(contains(wanted.search, Account.username, Account.display_name, Account.email))
    if role := wanted.choice("role"):
        found.append(Account.role == role)
    if team := wanted.choice("team"):
        found.append(Account.team_id.is_(None) if team == NO_TEAM else Team.name_key == team_key(team))
    status = wanted.choice("status")
    if not status:
        found.append(Account.deleted_at.is_(None))
    elif status != EVERY_STATUS:
        found.append(status == _STATUS)
    return found


def _row(row: Any) -> AccountListRow:
    same = {name: getattr(row, name) for name in _COLUMNS}
    return AccountListRow(
        **same,
        team=row.team,
        limits=limits_of(row),
        used={period: getattr(row, f"{period}_tokens") for period in Period},
        month=figures_of(row[_MONTH : _MONTH + len(SUMS)]),
    )
