"""When a person is warned of a budget."""

from collections.abc import Iterable
from enum import StrEnum

FULL = 100
"""Percent at which a budget is exhausted; every account is warned of it."""
DEFAULT_THRESHOLD = 80


class CrossingKind(StrEnum):
    """Reason for a warning: usage reached a threshold, or a forecast says that the budget ends before it resets."""

    THRESHOLD = "threshold"
    FORECAST = "forecast"


def thresholds(*chosen: int | None) -> tuple[int, ...]:
    """Return the percentages at which an account is warned, rising: those it has chosen, and the end."""
    return tuple(sorted({percent for percent in chosen if percent is not None} | {FULL}))


def reached(consumed: int, limit: int | None, percentages: Iterable[int]) -> list[int]:
    """Return which percentages of a limit are consumed, judged exactly; a limit of 0 allows nothing and is full."""
    if limit is None:
        return []
    return [percent for percent in percentages if consumed * 100 >= limit * percent]
