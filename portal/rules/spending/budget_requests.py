"""Requests of people for more tokens, and who decides them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

ANSWER_SHOWN = timedelta(days=7)
"""How long the card of a budget shows the answer to a request."""


class RequestState(StrEnum):
    """Whether a request waits for a decision, and how it ended."""

    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


DECIDED = (RequestState.APPROVED, RequestState.DECLINED)
"""The states with an answer."""


def is_shown(state: RequestState, decided_at: datetime | None, now: datetime) -> bool:
    """Return whether the card of a budget shows a request: while it waits, and for some days with its answer."""
    if state in DECIDED and decided_at is not None:
        return now - decided_at < ANSWER_SHOWN
    return state is RequestState.OPEN


@dataclass(frozen=True, slots=True)
class Decider:
    """The person who decides requests: an administrator all of them, a manager those of the members of own teams."""

    account_id: int
    is_administrator: bool
