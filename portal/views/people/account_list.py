"""The list of accounts for administrators: page, JSON, export and command."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from portal.db.people.account_list import AccountListRow, account_list
from portal.errors import NotFound
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.rules.metering.figures import Figures
from portal.rules.people.account_bulk import BulkTarget
from portal.rules.people.account_list import ACCOUNT_LIST, EVERY_STATUS, AccountStatus, account_status
from portal.rules.people.actors import Actor
from portal.rules.periods import Period, day_of
from portal.rules.spending.budgets import Limits, PeriodBudget, fullest_budget
from portal.settings import settings
from portal.views.authority import check_reader
from portal.views.lists import ListView, load_list, load_list_rows


@dataclass(frozen=True, slots=True)
class AccountItem:
    """An account of the list. `month` is its usage in this month of the budget zone.

    `budget` is the fullest of its budgets, that of `period`; None without a limit.
    """

    id: int
    username: str
    display_name: str
    email: str
    role: str
    team: str | None
    status: AccountStatus
    time_zone: str | None
    created_at: datetime
    signed_in_at: datetime | None
    version: int
    limits: Limits
    month: Figures
    budget: PeriodBudget | None
    period: Period | None


def load_account_list(
    session: Session, reader: Actor, wanted: ListFilter, now: datetime, limit: int, cursor: str | None = None
) -> ListView[AccountItem]:
    """Return one page of the list. Raises Forbidden, and InvalidInput for a malformed cursor."""
    check_reader(session, reader)
    found = load_list(session, account_list(wanted, _today(now), now), ACCOUNT_LIST, wanted, limit, cursor)
    return ListView(tuple(map(_item, found.rows)), found.total, found.before, found.back, found.on)


def load_account_rows(session: Session, reader: Actor, wanted: ListFilter, now: datetime) -> Iterator[AccountItem]:
    """Return all filtered accounts, in the order of the filter; needs an open session. Raises Forbidden."""
    check_reader(session, reader)
    return map(_item, load_list_rows(session, account_list(wanted, _today(now), now), ACCOUNT_LIST, wanted))


def load_targets(session: Session, reader: Actor, wanted: ListFilter, now: datetime) -> list[BulkTarget]:
    """Return the accounts that match a filter, for a change of all of them. Raises Forbidden."""
    return [BulkTarget(row.id, row.username) for row in load_account_rows(session, reader, wanted, now)]


def load_account_item(session: Session, reader: Actor, account_id: int, now: datetime) -> AccountItem:
    """Return an account as the list has it. Raises Forbidden and NotFound."""
    check_reader(session, reader)
    anyone = ListFilter(choices=(("status", EVERY_STATUS),))
    found = load_list_rows(session, account_list(anyone, _today(now), now, account_id), ACCOUNT_LIST, anyone)
    for row in found:
        return _item(row)
    raise NotFound(message("There is no such account."))


def _today(now: datetime) -> date:
    return day_of(now, settings().budget_zone)


def _item(row: AccountListRow) -> AccountItem:
    period, budget = fullest_budget(row.limits, row.used) or (None, None)
    return AccountItem(
        id=row.id,
        username=row.username,
        display_name=row.display_name,
        email=row.email,
        role=row.role,
        team=row.team,
        status=account_status(active=row.active, deleted_at=row.deleted_at),
        time_zone=row.time_zone,
        created_at=row.created_at,
        signed_in_at=row.signed_in_at,
        version=row.version,
        limits=row.limits,
        month=row.month,
        budget=budget,
        period=period,
    )
