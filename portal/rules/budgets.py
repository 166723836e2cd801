"""What an account may spend, and how near it is to that."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from portal.rules.periods import Period

MAX_LIMIT = 10**15
"""Largest limit in billable tokens; far above any real one, far below what the databases can hold."""


class BudgetType(StrEnum):
    """Whether limits come back with every period, or one total limit is all there is."""

    SUBSCRIPTION = "subscription"
    ONE_TIME = "one_time"


class Level(StrEnum):
    """How full a budget is; the word always accompanies the colour."""

    NORMAL = "normal"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Limits:
    """An account's limits in billable tokens as they were set; None is unlimited."""

    daily: int | None = None
    monthly: int | None = None
    total: int | None = None
    type: BudgetType = BudgetType.SUBSCRIPTION

    def in_force(self, period: Period) -> int | None:
        """Return the limit that counts for `period`: of a one-time budget only the total one does."""
        if self.type is BudgetType.ONE_TIME and period is not Period.TOTAL:
            return None
        match period:
            case Period.DAILY:
                return self.daily
            case Period.MONTHLY:
                return self.monthly
            case Period.TOTAL:
                return self.total

    def resets(self, period: Period) -> bool:
        """Say whether a person is shown a reset for `period`; a one-time budget has none."""
        return self.type is BudgetType.SUBSCRIPTION and period is not Period.TOTAL


@dataclass(frozen=True, slots=True)
class PeriodBudget:
    """What one period allows and what was spent of it, in billable tokens; no limit is None."""

    limit: int | None
    consumed: int

    @property
    def remaining(self) -> int | None:
        """Tokens that may still be spent; overspending leaves none, never a debt."""
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
        """Consumed ÷ limit × 100, unrounded; a limit of 0 allows nothing and is always full. None without a limit."""
        if self.limit is None:
            return None
        return Decimal(100) if self.limit == 0 else Decimal(self.consumed) * 100 / Decimal(self.limit)

    @property
    def percent(self) -> Decimal | None:
        """The percentage as it is shown, with one decimal, not capped at 100."""
        exact = self.exact_percent
        return None if exact is None else exact.quantize(Decimal("0.1"), ROUND_HALF_UP)

    @property
    def level(self) -> Level | None:
        """Judged on the exact value, so that an empty allowance is always critical. None without a limit."""
        exact = self.exact_percent
        return None if exact is None else level(exact)


def level(percent: Decimal) -> Level:
    """Judge a budget by the seed's bands: below 70 normal, up to 90 warning, above critical."""
    if percent > 90:
        return Level.CRITICAL
    return Level.WARNING if percent >= 70 else Level.NORMAL
