"""Requests for more tokens."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.spending.budget_requests import RequestRow, count_open, newest_requests, own_request, own_requests
from portal.errors import NotFound
from portal.rules.people.accounts import Role
from portal.rules.periods import Period
from portal.rules.spending.budget_requests import Decider, RequestState, is_shown
from portal.views.people.accounts import Viewer

SHOWN = 100
"""Number of own requests in the JSON answer, the newest ones."""


@dataclass(frozen=True, slots=True)
class BudgetRequestView:
    """A request for more billable tokens, and its answer; `decided_by` is None for an operator.

    `granted_tokens` and `granted_until` are those of the allowance of an approved request; `team` is the person's now.
    """

    id: int
    account_id: int
    username: str
    display_name: str
    period: Period
    tokens: int
    reason: str
    state: RequestState
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    answer: str
    granted_tokens: int | None
    granted_until: datetime | None
    is_read: bool
    team: str | None = None

    @property
    def at(self) -> datetime:
        """The time of the answer; of an open request, that of the question."""
        return self.decided_at or self.created_at


def load_own_requests(session: Session, account_id: int) -> tuple[BudgetRequestView, ...]:
    """Return an account's requests, newest first."""
    return tuple(request_view(row) for row in own_requests(session, account_id, SHOWN))


def load_card_requests(session: Session, account_id: int, now: datetime) -> Mapping[Period, BudgetRequestView]:
    """Return the requests that the budget cards of an account show: if it is open, or has a recent answer."""
    newest = map(request_view, newest_requests(session, account_id))
    return {request.period: request for request in newest if is_shown(request.state, request.decided_at, now)}


def load_own_request(session: Session, account_id: int, request_id: int) -> BudgetRequestView:
    """Return one request of an account. Raises NotFound."""
    row = own_request(session, account_id, request_id)
    if row is None:
        raise NotFound
    return request_view(row)


def load_open_count(session: Session, viewer: Viewer) -> int:
    """Return how many requests wait for the viewer's decision."""
    return count_open(session, decider_of(viewer))


def decider_of(viewer: Viewer) -> Decider:
    """Return the viewer as the person who decides requests."""
    return Decider(viewer.id, viewer.role == Role.ADMIN)


def request_view(row: RequestRow) -> BudgetRequestView:
    """Return a row of the database as a view."""
    found = row.request
    return BudgetRequestView(
        id=found.id,
        account_id=found.account_id,
        username=row.username,
        display_name=row.display_name,
        period=Period(found.period),
        tokens=found.tokens,
        reason=found.reason,
        state=RequestState(found.state),
        created_at=found.created_at,
        decided_at=found.decided_at,
        decided_by=row.decided_by,
        answer=found.answer,
        granted_tokens=row.granted_tokens,
        granted_until=row.granted_until,
        is_read=found.read_at is not None,
        team=row.team,
    )
