"""Limits, percentages and levels, at the bounds of the levels."""

from decimal import Decimal

import pytest

from portal.rules.periods import Period
from portal.rules.spending.budgets import MAX_LIMIT, BudgetType, Level, Limits, PeriodBudget, least_remaining, level


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        pytest.param("0", Level.NORMAL, id="nothing used"),
        pytest.param("69.999999999999", Level.NORMAL, id="just below the warning band"),
        pytest.param("70", Level.WARNING, id="the warning band begins at 70"),
        pytest.param("90", Level.WARNING, id="warning ends at 90"),
        pytest.param("90.000000000001", Level.CRITICAL, id="just above 90"),
        pytest.param("100", Level.CRITICAL, id="all used"),
        pytest.param("250", Level.CRITICAL, id="overspent"),
    ],
)
def test_level_of_a_percentage(percent: str, expected: Level) -> None:
    assert level(Decimal(percent)) is expected


@pytest.mark.parametrize(
    ("limit", "consumed", "percent", "expected", "remaining", "over"),
    [
        pytest.param(None, 0, None, None, None, 0, id="no limit, nothing used"),
        pytest.param(None, 10**15, None, None, None, 0, id="no limit, very much used"),
        pytest.param(1000, 0, "0.0", Level.NORMAL, 1000, 0, id="nothing used"),
        pytest.param(1000, 699, "69.9", Level.NORMAL, 301, 0, id="below the warning band"),
        pytest.param(1000, 700, "70.0", Level.WARNING, 300, 0, id="in the warning band"),
        pytest.param(1000, 900, "90.0", Level.WARNING, 100, 0, id="still in it"),
        pytest.param(1000, 901, "90.1", Level.CRITICAL, 99, 0, id="above 90"),
        pytest.param(1000, 1000, "100.0", Level.CRITICAL, 0, 0, id="all used"),
        pytest.param(1000, 1300, "130.0", Level.CRITICAL, 0, 300, id="overspent: the number does not stop at 100"),
        pytest.param(0, 0, "100.0", Level.CRITICAL, 0, 0, id="a limit of 0 allows nothing"),
        pytest.param(0, 5, "100.0", Level.CRITICAL, 0, 5, id="a limit of 0 is full with any usage"),
        pytest.param(100_000, 69_999, "70.0", Level.NORMAL, 30_001, 0, id="shown as 70 and judged exactly"),
        pytest.param(100_000, 90_001, "90.0", Level.CRITICAL, 9_999, 0, id="shown as 90 and judged exactly"),
        pytest.param(
            MAX_LIMIT, MAX_LIMIT // 10 * 7 - 1, "70.0", Level.NORMAL, MAX_LIMIT // 10 * 3 + 1, 0, id="huge, below"
        ),
        pytest.param(
            MAX_LIMIT, MAX_LIMIT // 10 * 9 + 1, "90.0", Level.CRITICAL, MAX_LIMIT // 10 - 1, 0, id="huge, above"
        ),
        pytest.param(3, 1, "33.3", Level.NORMAL, 2, 0, id="rounded down"),
        pytest.param(800, 1, "0.1", Level.NORMAL, 799, 0, id="rounded half up from 0.125"),
        pytest.param(2000, 1, "0.1", Level.NORMAL, 1999, 0, id="rounded half up from 0.05"),
        pytest.param(2001, 1, "0.0", Level.NORMAL, 2000, 0, id="rounded to nothing"),
        pytest.param(
            1, 9 * 10**18, f"{9 * 10**20}.0", Level.CRITICAL, 0, 9 * 10**18 - 1, id="as much as fits in 64 bits"
        ),
    ],
)
def test_figures_of_a_period_budget(
    limit: int | None, consumed: int, percent: str | None, expected: Level | None, remaining: int | None, over: int
) -> None:
    budget = PeriodBudget(limit, consumed)
    assert (None if budget.percent is None else str(budget.percent)) == percent
    assert budget.level is expected
    assert budget.remaining == remaining
    assert budget.over_by == over


LIMITS = Limits(daily=10, monthly=200, total=3000)


@pytest.mark.parametrize(
    ("limits", "in_force", "resets"),
    [
        pytest.param(LIMITS, (10, 200, 3000), (True, True, False), id="a subscription counts all three"),
        pytest.param(
            Limits(10, 200, 3000, BudgetType.ONE_TIME),
            (None, None, 3000),
            (False, False, False),
            id="one-time: the total",
        ),
        pytest.param(
            Limits(10, 200, None, BudgetType.ONE_TIME),
            (None, None, None),
            (False, False, False),
            id="one-time, no limit",
        ),
        pytest.param(Limits(), (None, None, None), (True, True, False), id="without limits days still end"),
        pytest.param(Limits(0, 0, 0), (0, 0, 0), (True, True, False), id="a limit of 0 is a limit"),
    ],
)
def test_limits_in_force_depend_on_the_type(
    limits: Limits, in_force: tuple[int | None, ...], resets: tuple[bool, ...]
) -> None:
    periods = (Period.DAILY, Period.MONTHLY, Period.TOTAL)
    assert tuple(limits.in_force(period) for period in periods) == in_force
    assert tuple(limits.resets(period) for period in periods) == resets


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        pytest.param(Limits(), None, id="no limit"),
        pytest.param(Limits(daily=50, monthly=100, total=1000), 40, id="the least of three"),
        pytest.param(Limits(daily=50, monthly=60), 0, id="never below 0"),
        pytest.param(Limits(5, 5, 1000, BudgetType.ONE_TIME), 900, id="a one-time budget has a total only"),
    ],
)
def test_least_remaining_is_that_of_all_budgets(limits: Limits, expected: int | None) -> None:
    used = {Period.DAILY: 10, Period.MONTHLY: 60, Period.TOTAL: 100}
    assert least_remaining(limits, used) == expected
