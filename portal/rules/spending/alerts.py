"""The percentages of a budget at which a person is warned."""

from collections.abc import Iterable
from enum import StrEnum

FULL = 100
"""Percentage at which a budget is exhausted; every account is warned then."""
DEFAULT_THRESHOLD = 80


class CrossingKind(StrEnum):
    """Reason for a warning: usage reached a threshold, or a forecast says that the budget ends before it resets."""

    THRESHOLD = "threshold"
    FORECAST = "forecast"


def thresholds(*chosen: int | None) -> tuple[int, ...]:
    """Return the percentages at which an account is warned, in rising order: the chosen ones, and 100."""
    return tuple(sorted({percent for percent in chosen if percent is not None} | {FULL}))


def reached(consumed: int, limit: int | None, percentages: Iterable[int]) -> list[int]:
    """Return the percentages of a limit that are reached, compared without rounding; a limit of 0 is always full."""
    if limit is None:
        return []
    return [percent for percent in percentages if consumed * 100 >= limit * percent]
