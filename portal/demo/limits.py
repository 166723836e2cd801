"""The demo's budgets, with limits that follow from the usage, so that all levels appear at any hour."""

from collections.abc import Mapping
from dataclasses import dataclass

from portal.rules.periods import Period
from portal.rules.spending.budgets import BudgetType, Limits

Consumed = Mapping[Period, int]
"""Billable tokens by period."""


@dataclass(frozen=True, slots=True)
class TargetUse:
    """The wanted use of a limit in percent. The limit is a multiple of `step` billable tokens and at least `least`."""

    percent: float
    step: int
    least: int = 0

    def limit(self, consumed: int) -> int:
        """Return the nearest limit."""
        return max(round(consumed / self.percent * 100 / self.step), 1, self.least // self.step) * self.step


def demo_limits(consumed: Consumed) -> Limits:
    """Return the demo account's limits: today warning, this month normal, total critical."""
    daily = TargetUse(73.5, 50_000).limit(consumed[Period.DAILY])
    return Limits(
        daily=daily,
        monthly=TargetUse(58, 1_000_000, least=15 * daily).limit(consumed[Period.MONTHLY]),
        total=TargetUse(94, 500_000).limit(consumed[Period.TOTAL]),
    )


def all_limits(consumed: Mapping[str, Consumed]) -> dict[str, Limits]:
    """Return limits by user name; accounts that are missing have no limit."""
    total = {username: sums[Period.TOTAL] for username, sums in consumed.items()}
    month = {username: sums[Period.MONTHLY] for username, sums in consumed.items()}
    return {
        "demo": demo_limits(consumed["demo"]),
        "aylin.demir": Limits(monthly=TargetUse(81, 500_000, least=5_000_000).limit(month["aylin.demir"])),
        "piotr.nowak": Limits(total=TargetUse(104, 100_000).limit(total["piotr.nowak"]), type=BudgetType.ONE_TIME),
        "lena.brandt": Limits(total=TargetUse(62, 1_000_000).limit(total["lena.brandt"]), type=BudgetType.ONE_TIME),
        "haruka.tanaka": Limits(
            daily=2_000_000, monthly=TargetUse(40, 1_000_000, 15_000_000).limit(month["haruka.tanaka"])
        ),
        "ralf.fischer": Limits(daily=0),
        "tuuli.virtanen": Limits(daily=250_000, monthly=3_000_000),
    }
