import pytest

from portal.rules.spending.alerts import reached, thresholds
from portal.rules.spending.budgets import MAX_LIMIT


@pytest.mark.parametrize(
    ("chosen", "warned_at"),
    [
        pytest.param((80, None), (80, 100), id="one, and the end"),
        pytest.param((95, 50), (50, 95, 100), id="two, rising"),
        pytest.param((100, None), (100,), id="the end alone"),
    ],
)
def test_account_is_warned_at_chosen_percentages_and_at_100(
    chosen: tuple[int, int | None], warned_at: tuple[int, ...]
) -> None:
    assert thresholds(*chosen) == warned_at


@pytest.mark.parametrize(
    ("consumed", "limit", "percentages"),
    [
        pytest.param(799, 1000, [], id="just below"),
        pytest.param(800, 1000, [80], id="exactly at it"),
        pytest.param(999, 1000, [80], id="just below the end"),
        pytest.param(1000, 1000, [80, 100], id="the end"),
        pytest.param(5000, 1000, [80, 100], id="far beyond"),
        pytest.param(0, 0, [80, 100], id="a limit of 0 is full"),
        pytest.param(0, 1, [], id="nothing used"),
        pytest.param(5000, None, [], id="no limit"),
        pytest.param(MAX_LIMIT * 8 // 10 - 1, MAX_LIMIT, [], id="no rounding of large numbers"),
    ],
)
def test_percentage_is_reached_without_rounding(consumed: int, limit: int | None, percentages: list[int]) -> None:
    assert reached(consumed, limit, (80, 100)) == percentages
