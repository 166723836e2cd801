"""Requests of people for more tokens, and who decides them."""

from dataclasses import dataclass
from enum import StrEnum


class RequestState(StrEnum):
    """Whether a request waits for a decision, and how it ended."""

    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


DECIDED = (RequestState.APPROVED, RequestState.DECLINED)
"""The states with an answer."""


@dataclass(frozen=True, slots=True)
class Decider:
    """The person who decides requests: an administrator all of them, a manager those of the members of own teams."""

    account_id: int
    is_administrator: bool
