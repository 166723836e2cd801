"""Changes of many accounts at once, and what has become of each of them."""

from dataclasses import dataclass, field
from enum import StrEnum

from portal.rules.messages import Message
from portal.rules.spending.budgets import Limits

MOST_ACCOUNTS = 10_000
"""Most accounts of one change."""


class BulkKind(StrEnum):
    """The changed value."""

    BUDGET = "budget"
    TEAM = "team"
    TEMPLATE = "template"
    SUSPEND = "suspend"
    ACTIVATE = "activate"


@dataclass(frozen=True, slots=True)
class BulkChange:
    """A change of many accounts.

    `limits` are those of a budget, None for the default budget of each role; `name` is that of a team or an expert
    template, empty for none.
    """

    kind: BulkKind
    limits: Limits | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class BulkTarget:
    """An account to change."""

    id: int
    username: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An account that was not changed, and why."""

    username: str
    reason: Message


@dataclass(slots=True)
class BulkProgress:
    """How far a change is. `unchanged` accounts had the values already.

    `stopped` is why it ended before its end; the accounts after that are as they were.
    """

    total: int
    changed: int = 0
    unchanged: int = 0
    left_out: list[LeftOut] = field(default_factory=list)
    stopped: Message | None = None

    @property
    def done(self) -> int:
        """The number of accounts that were handled."""
        return self.changed + self.unchanged + len(self.left_out)
