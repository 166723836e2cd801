"""Limits of an account, and how much of them is used."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from portal.rules.periods import Period

MAX_LIMIT = 10**15
"""Largest limit in billable tokens; far above any real limit, far below the largest integer of the databases."""


class BudgetType(StrEnum):
    """Subscription: each period has its own limit. One-time: only the total limit counts."""

    SUBSCRIPTION = "subscription"
    ONE_TIME = "one_time"


class Level(StrEnum):
    """How full a budget is; pages always show the word with the colour."""

    NORMAL = "normal"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits set for an account, in billable tokens; None is unlimited."""

    daily: int | None = None
    monthly: int | None = None
    total: int | None = None
    type: BudgetType = BudgetType.SUBSCRIPTION

    def in_force(self, period: Period) -> int | None:
        """Return the limit that counts for `period`; a one-time budget has only the total limit."""
        if self.type is BudgetType.ONE_TIME and period is not Period.TOTAL:
            return None
        return self.set_for(period)

    def set_for(self, period: Period) -> int | None:
        """Return the limit that is set for `period`, also if it does not count."""
        match period:
            case Period.DAILY:
                return self.daily
            case Period.MONTHLY:
                return self.monthly
            case Period.TOTAL:
                return self.total

    def raised(self, extra: Mapping[Period, int]) -> "Limits":
        """Return the limits with extra tokens added to those that are in force; no limit stays no limit."""

        def limit(period: Period) -> int | None:
            tokens = self.set_for(period)
            return tokens if self.in_force(period) is None or tokens is None else tokens + extra.get(period, 0)

        return Limits(limit(Period.DAILY), limit(Period.MONTHLY), limit(Period.TOTAL), self.type)

    def resets(self, period: Period) -> bool:
        """Return whether pages show a reset for `period`; a one-time budget has none."""
        return self.type is BudgetType.SUBSCRIPTION and period is not Period.TOTAL


@dataclass(frozen=True, slots=True)
class PeriodBudget:
    """The limit and the consumption of one period, in billable tokens; a limit of None is unlimited."""

    limit: int | None
    consumed: int

    @property
    def remaining(self) -> int | None:
        """Tokens that may still be spent, never below 0; None without a limit."""
        return None if self.limit is None else max(self.limit - self.consumed, 0)

    @property
    def over_by(self) -> int:
        """Tokens spent beyond the limit; 0 within it."""
        return 0 if self.limit is None else max(self.consumed - self.limit, 0)

    @property
    def is_used_up(self) -> bool:
        """Whether nothing is left; a limit of 0 always is."""
        return self.remaining == 0

    @property
    def exact_percent(self) -> Decimal | None:
        """Consumed ÷ limit × 100, not rounded; a limit of 0 is always full. None without a limit."""
        if self.limit is None:
            return None
        return Decimal(100) if self.limit == 0 else Decimal(self.consumed) * 100 / Decimal(self.limit)

    @property
    def percent(self) -> Decimal | None:
        """The percentage that pages show: one decimal, may exceed 100. None without a limit."""
        exact = self.exact_percent
        return None if exact is None else exact.quantize(Decimal("0.1"), ROUND_HALF_UP)

    @property
    def level(self) -> Level | None:
        """The level of the exact percentage, so a limit of 0 is always critical. None without a limit."""
        exact = self.exact_percent
        return None if exact is None else level(exact)


def fullest_budget(limits: Limits, used: Mapping[Period, int]) -> tuple[Period, PeriodBudget] | None:
    """Return the period and the budget with the largest percentage; None without a limit. `used` are tokens."""
    budgets = [(period, PeriodBudget(limits.in_force(period), used[period])) for period in Period]
    limited = [(period, budget) for period, budget in budgets if budget.exact_percent is not None]
    return max(limited, key=lambda each: each[1].exact_percent or Decimal(0), default=None)


def least_remaining(limits: Limits, used: Mapping[Period, int]) -> int | None:
    """Return the tokens that all budgets together still allow; None without a limit. `used` are tokens."""
    left = (PeriodBudget(limits.in_force(period), used[period]).remaining for period in Period)
    return min((tokens for tokens in left if tokens is not None), default=None)


def level(percent: Decimal) -> Level:
    """Return the level of a percentage: below 70 normal, up to 90 warning, above 90 critical (source: the seed)."""
    if percent > 90:
        return Level.CRITICAL
    return Level.WARNING if percent >= 70 else Level.NORMAL
