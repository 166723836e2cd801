"""The bell: budget alerts, and answers to requests for more tokens."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.spending.budget_requests import answers, count_unread_answers
from portal.db.spending.crossings import count_unread as count_unread_crossings
from portal.db.spending.crossings import crossings
from portal.views.spending.budget import load_budgets
from portal.views.spending.budget_requests import BudgetRequestView, request_view
from portal.views.spending.crossings import CrossingView, crossing_view

SHOWN = 20
"""Number of entries in the bell."""


@dataclass(frozen=True, slots=True)
class BellView:
    """The number of unread entries, and the newest budget alerts and answers, each newest first."""

    unread: int
    crossings: tuple[CrossingView, ...]
    answers: tuple[BudgetRequestView, ...] = ()

    @property
    def items(self) -> list[CrossingView | BudgetRequestView]:
        """The newest entries of both kinds, newest first."""
        both: list[CrossingView | BudgetRequestView] = [*self.crossings, *self.answers]
        return sorted(both, key=lambda item: item.at, reverse=True)[:SHOWN]


def load_bell(session: Session, account_id: int, now: datetime) -> BellView:
    """Return the bell of an account."""
    budgets = load_budgets(session, account_id, now)
    return BellView(
        unread=count_unread(session, account_id),
        crossings=tuple(crossing_view(row, budgets, now) for row in crossings(session, account_id, SHOWN)),
        answers=tuple(map(request_view, answers(session, account_id, SHOWN))),
    )


def count_unread(session: Session, account_id: int) -> int:
    """Return how many alerts and answers an account has not seen."""
    return count_unread_crossings(session, account_id) + count_unread_answers(session, account_id)
