"""Requests for more tokens: those of one person, and those that an administrator or a manager decides."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, literal_column, select, true, update
from sqlalchemy.orm import Session, aliased

from portal.db.people.teams import is_managed_by
from portal.db.tables import Account, Allowance, BudgetRequest, Team
from portal.rules.periods import Period
from portal.rules.spending.budget_requests import DECIDED, Decider, RequestState

_Decider = aliased(Account)


class RequestRow(NamedTuple):
    """A request with the names of its person, who decided it (None for an operator), its allowance, and the team.

    The team is the present one of the person.
    """

    request: BudgetRequest
    username: str
    display_name: str
    decided_by: str | None
    granted_tokens: int | None
    granted_until: datetime | None
    team: str | None


def add_request(
    session: Session, account_id: int, period: Period, tokens: int, reason: str, now: datetime
) -> BudgetRequest:
    """Store an open request; a second one for the same period raises IntegrityError."""
    row = BudgetRequest(
        account_id=account_id,
        period=period.value,
        tokens=tokens,
        reason=reason,
        state=RequestState.OPEN.value,
        created_at=now,
        answer="",
    )
    session.add(row)
    session.flush()
    return row


def request_with(session: Session, request_id: int) -> BudgetRequest | None:
    """Return the request with this id, with its present values."""
    return session.get(BudgetRequest, request_id, populate_existing=True)


def has_open_request(session: Session, account_id: int, period: Period) -> bool:
    """Return whether an account waits for an answer about this period."""
    of_period = BudgetRequest.account_id == account_id, BudgetRequest.period == period.value
    wanted = select(BudgetRequest.id).where(*of_period, BudgetRequest.state == RequestState.OPEN.value)
    return session.scalar(wanted.limit(1)) is not None


def own_requests(session: Session, account_id: int, limit: int) -> Sequence[RequestRow]:
    """Return an account's requests, newest first."""
    newest = with_names().where(BudgetRequest.account_id == account_id).order_by(BudgetRequest.id.desc())
    return [RequestRow(*row) for row in session.execute(newest.limit(limit))]


def newest_requests(session: Session, account_id: int) -> Sequence[RequestRow]:
    """Return the newest request of an account for each period that has one."""
    newest = select(func.max(BudgetRequest.id)).where(BudgetRequest.account_id == account_id)
    rows = session.execute(with_names().where(BudgetRequest.id.in_(newest.group_by(BudgetRequest.period))))
    return [RequestRow(*row) for row in rows]


def own_request(session: Session, account_id: int, request_id: int) -> RequestRow | None:
    """Return one request of an account."""
    own = with_names().where(BudgetRequest.account_id == account_id, BudgetRequest.id == request_id)
    row = session.execute(own).first()
    return None if row is None else RequestRow(*row)


def request_to_decide(session: Session, decider: Decider, request_id: int) -> RequestRow | None:
    """Return one of the requests that this person decides."""
    row = session.execute(with_names().where(BudgetRequest.id == request_id, decided_by(decider))).first()
    return None if row is None else RequestRow(*row)


def count_open(session: Session, decider: Decider) -> int:
    """Return how many requests wait for this person's decision."""
    is_open = BudgetRequest.state == literal_column(f"'{RequestState.OPEN}'")  # a constant, for the partial index
    count = select(func.count()).select_from(BudgetRequest).join(Account, Account.id == BudgetRequest.account_id)
    return session.scalar(count.where(is_open, decided_by(decider))) or 0


# Answers, for the bell


def answers(session: Session, account_id: int, limit: int) -> Sequence[RequestRow]:
    """Return the requests of an account that were decided, newest answer first."""
    states = [state.value for state in DECIDED]
    own = with_names().where(BudgetRequest.account_id == account_id, BudgetRequest.state.in_(states))
    newest = own.order_by(BudgetRequest.decided_at.desc(), BudgetRequest.id.desc()).limit(limit)
    return [RequestRow(*row) for row in session.execute(newest)]


def unread_answer(account_id: Any) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of an answer that an account, or a column with its id, has not seen."""
    decided = BudgetRequest.state.in_([state.value for state in DECIDED])
    return BudgetRequest.account_id == account_id, decided, BudgetRequest.read_at.is_(None)


def count_unread_answers(session: Session, account_id: int) -> int:
    """Return how many answers an account has not seen."""
    return session.scalar(select(func.count()).select_from(BudgetRequest).where(*unread_answer(account_id))) or 0


def mark_answers_read(session: Session, account_id: int, until: datetime, now: datetime) -> None:
    """Mark the answers of an account as seen, up to those of the instant `until`."""
    seen = *unread_answer(account_id), BudgetRequest.decided_at <= until
    session.execute(update(BudgetRequest).where(*seen).values(read_at=now))


# Parts of statements


def with_names() -> Select[*tuple[Any, ...]]:
    """Return the statement that selects the columns of `RequestRow`."""
    return (
        select(
            BudgetRequest,
            Account.username,
            Account.display_name,
            _Decider.username,
            Allowance.tokens,
            Allowance.ends_at,
            Team.name,
        )
        .join(Account, Account.id == BudgetRequest.account_id)
        .outerjoin(_Decider, _Decider.id == BudgetRequest.decided_by)
        .outerjoin(Allowance, Allowance.id == BudgetRequest.allowance_id)
        .outerjoin(Team, Team.id == Account.team_id)
    )


def decided_by(decider: Decider) -> ColumnElement[bool]:
    """Return the condition of accounts that this person decides about."""
    return true() if decider.is_administrator else is_managed_by(decider.account_id)
