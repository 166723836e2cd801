"""Decides whether a key may spend, from the consumed tokens, the reserved tokens and the estimate of the request."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from portal.rules.people.keys import KeyStatus, key_status
from portal.rules.periods import Period, resets_at
from portal.rules.spending.budgets import Limits

RESERVED_FOR = timedelta(minutes=15)
"""How long tokens are reserved for a request if its event does not arrive; longer than any request should take."""


class BudgetOwner(StrEnum):
    """The owner of a budget: one key, its account, or the account's team with all its members."""

    KEY = "key"
    ACCOUNT = "account"
    TEAM = "team"


class Reason(StrEnum):
    """The reason why a key may or may not spend; a code for programs."""

    OK = "ok"
    UNKNOWN_KEY = "unknown_key"
    REVOKED_KEY = "revoked_key"
    EXPIRED_KEY = "expired_key"
    ACCOUNT_SUSPENDED = "account_suspended"
    TEAM_SUSPENDED = "team_suspended"
    BUDGET_EXHAUSTED = "budget_exhausted"
    ESTIMATE_TOO_LARGE = "estimate_too_large"

    @property
    def is_about_the_key(self) -> bool:
        """Whether the key may not be used at all, even with tokens left."""
        return self in _OF_KEYS

    @property
    def sentence(self) -> str:
        """The reason as a sentence for people; `Decision.detail` adds the figures of a budget."""
        return _SENTENCES[self]


_OF_STATUS = {
    KeyStatus.ACTIVE: Reason.OK,
    KeyStatus.EXPIRED: Reason.EXPIRED_KEY,
    KeyStatus.REVOKED: Reason.REVOKED_KEY,
}
_OF_KEYS = {Reason.UNKNOWN_KEY, Reason.REVOKED_KEY, Reason.EXPIRED_KEY, Reason.ACCOUNT_SUSPENDED, Reason.TEAM_SUSPENDED}
_SENTENCES = {
    Reason.OK: "The key may spend.",
    Reason.UNKNOWN_KEY: "No account has this key.",
    Reason.REVOKED_KEY: "The key was revoked.",
    Reason.EXPIRED_KEY: "The key has expired.",
    Reason.ACCOUNT_SUSPENDED: "The account is suspended.",
    Reason.TEAM_SUSPENDED: "The team of the account is suspended.",
    Reason.BUDGET_EXHAUSTED: "A budget is exhausted.",
    Reason.ESTIMATE_TOO_LARGE: "The request may need more than is left of a budget.",
}
_OF_OWNER = {BudgetOwner.KEY: " of the key", BudgetOwner.ACCOUNT: "", BudgetOwner.TEAM: " of the team"}


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens that count against limits, billable: consumed in each period, and reserved for requests."""

    consumed: Mapping[Period, int]
    reserved: int = 0

    def of(self, period: Period) -> int:
        """Return the tokens that count against a period's limit; reserved tokens count in every period."""
        return self.consumed[period] + self.reserved


@dataclass(frozen=True, slots=True)
class BudgetState:
    """The limits in force of a key, an account or a team, and the tokens that count against them."""

    owner: BudgetOwner
    limits: Limits
    spent: Spent

    def remaining(self, period: Period) -> int | None:
        """Return limit - consumed - reserved of a period, never below 0; None without a limit."""
        limit = self.limits.in_force(period)
        return None if limit is None else max(limit - self.spent.of(period), 0)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a key may spend; if a budget refuses, also its owner, period, figures and the time of its reset.

    `consumed` are reported tokens, `reserved` those reserved for other requests. `remaining` of a period is the least
    that remains in the budgets of key, account and team, and None if none has a limit; the estimate of this request is
    not subtracted.
    """

    reason: Reason
    remaining: Mapping[Period, int | None]
    owner: BudgetOwner | None = None
    period: Period | None = None
    consumed: int | None = None
    limit: int | None = None
    reserved: int | None = None
    resets_at: datetime | None = None

    @property
    def is_allowed(self) -> bool:
        """Whether the request may proceed."""
        return self.reason is Reason.OK

    @property
    def detail(self) -> str:
        """The reason in one sentence, with the figures of the budget that refuses."""
        if self.period is None or self.owner is None:
            return self.reason.sentence
        is_over = self.reason is Reason.BUDGET_EXHAUSTED
        state = "is exhausted" if is_over else "has too little left for the estimate"
        held = f" and {self.reserved:,} are held for other requests" if self.reserved else ""
        budget = f"{self.period} budget{_OF_OWNER[self.owner]}"
        return f"The {budget} {state}: {self.consumed:,} of {self.limit:,} billable tokens are used{held}."


def refusal(reason: Reason) -> Decision:
    """Return the refusal of a key that may not be used at all, even with tokens left."""
    return Decision(reason, dict.fromkeys(Period))


def key_reason(
    is_active: bool, expires_at: datetime | None, revoked_at: datetime | None, now: datetime, *, team_is_active: bool
) -> Reason:
    """Return `Reason.OK` if a key may be used, else why not; `is_active` is the state of its account."""
    reason = _OF_STATUS[key_status(expires_at, revoked_at, now)]
    if reason is not Reason.OK:
        return reason
    if not is_active:
        return Reason.ACCOUNT_SUSPENDED
    return Reason.OK if team_is_active else Reason.TEAM_SUSPENDED


def decide(budgets: Iterable[BudgetState], estimate: int | None, now: datetime, budget_tz: ZoneInfo) -> Decision:
    """Decide whether a key may spend: every budget must have tokens left, and enough for the `estimate`.

    `estimate` is in billable tokens. If several budgets refuse, the first of `budgets` is named, and of its periods the
    shortest.
    """
    states = tuple(budgets)
    remaining = {period: _least(state.remaining(period) for state in states) for period in Period}
    for state in states:
        for period in Period:
            left = state.remaining(period)
            if left is None or (left > 0 and (estimate or 0) <= left):
                continue
            return Decision(
                reason=Reason.ESTIMATE_TOO_LARGE if left else Reason.BUDGET_EXHAUSTED,
                remaining=remaining,
                owner=state.owner,
                period=period,
                consumed=state.spent.consumed[period],
                limit=state.limits.in_force(period),
                reserved=state.spent.reserved,
                resets_at=resets_at(period, now, budget_tz),
            )
    return Decision(Reason.OK, remaining)


def _least(amounts: Iterable[int | None]) -> int | None:
    return min((amount for amount in amounts if amount is not None), default=None)
