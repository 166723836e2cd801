"""One account for administrators: page, JSON and command."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.people.accounts import account, team_name
from portal.db.people.sessions import failures, sessions
from portal.db.spending.budgets import limits
from portal.db.tables import Account
from portal.errors import NotFound
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.rules.people.account_list import AccountStatus, account_status
from portal.rules.people.accounts import Role
from portal.rules.people.actors import Actor
from portal.rules.people.throttling import wait_until
from portal.rules.spending.budgets import Limits
from portal.views.audit_list import AuditRow, load_audit_list
from portal.views.authority import check_reader
from portal.views.people.accounts import SessionView
from portal.views.people.keys import KeysView, load_keys
from portal.views.rows import view_of
from portal.views.spending.allowances import AllowanceView, load_allowances
from portal.views.spending.budget import BudgetsView, load_budgets, with_outlooks

ENTRIES = 8
"""Number of shown entries of the audit log, the newest ones."""


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """An account without what belongs to it.

    `team` is the name of its team; `locked_until` is None unless sign-in is refused because of wrong passwords.
    `version` is that of the actions which change it.
    """

    id: int
    username: str
    display_name: str
    email: str
    role: Role
    status: AccountStatus
    team: str | None
    time_zone: str | None
    language: str
    created_at: datetime
    signed_in_at: datetime | None
    deleted_at: datetime | None
    locked_until: datetime | None
    version: int

    @property
    def is_active(self) -> bool:
        """Whether its person may sign in."""
        return self.status is AccountStatus.ACTIVE

    @property
    def is_deleted(self) -> bool:
        """Whether only its usage is kept."""
        return self.status is AccountStatus.DELETED

    @property
    def may_be_seen(self) -> bool:
        """Whether an administrator may see the portal as this person."""
        return self.is_active and self.role is not Role.ADMIN


@dataclass(frozen=True, slots=True)
class AccountPageView:
    """Everything of one account; `limits` are those that were set, without allowances."""

    account: AccountDetails
    limits: Limits
    budgets: BudgetsView
    allowances: tuple[AllowanceView, ...]
    keys: KeysView
    sessions: tuple[SessionView, ...]
    entries: tuple[AuditRow, ...]


def load_account(session: Session, reader: Actor, account_id: int, now: datetime) -> AccountDetails:
    """Return one account. Raises Forbidden and NotFound."""
    return _details(session, existing_row(session, reader, account_id), now)


def load_account_page(session: Session, reader: Actor, account_id: int, now: datetime) -> AccountPageView:
    """Return everything of one account; the time does not depend on its usage. Raises Forbidden and NotFound."""
    found = load_account(session, reader, account_id, now)
    about_it = ListFilter(choices=(("target", found.username),))
    return AccountPageView(
        account=found,
        limits=limits(session, account_id),
        budgets=with_outlooks(session, account_id, load_budgets(session, account_id, now), now),
        allowances=load_allowances(session, account_id, now),
        keys=load_keys(session, account_id, now),
        sessions=load_sessions(session, reader, account_id, now),
        entries=load_audit_list(session, reader, about_it, now, ENTRIES).rows,
    )


def load_sessions(session: Session, reader: Actor, account_id: int, now: datetime) -> tuple[SessionView, ...]:
    """Return the running sessions of an account, last used first. Raises Forbidden and NotFound."""
    existing_row(session, reader, account_id)
    return tuple(view_of(SessionView, row, is_this=False) for row in sessions(session, account_id, now))


def existing_row(session: Session, reader: Actor, account_id: int) -> Account:
    """Return an account, also a deleted one. Raises Forbidden unless the reader administers, and NotFound."""
    check_reader(session, reader)
    row = account(session, account_id)
    if row is None:
        raise NotFound(message("There is no such account."))
    return row


def _details(session: Session, row: Account, now: datetime) -> AccountDetails:
    return view_of(
        AccountDetails,
        row,
        role=Role(row.role),
        status=account_status(active=row.active, deleted_at=row.deleted_at),
        team=team_name(session, row.team_id),
        locked_until=wait_until(failures(session, "account", row.username), "account", now),
    )
