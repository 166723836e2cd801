"""Figures of a benchmark, each with its floor, since only the ratio is comparable between machines."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound of a figure, or of its ratio to the floor."""

    bound: float
    is_least: bool
    of_ratio: bool = True

    def is_met(self, ratio: float | None, value: float) -> bool:
        """Return whether a figure is within the bound."""
        measured = ratio if self.of_ratio and ratio is not None else value
        return measured >= self.bound if self.is_least else measured <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.is_least else '≤'} {self.bound:,g}{' ×' if self.of_ratio else ''}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value in `unit`; `floor` is the value it is compared with, in the same unit."""

    name: str
    unit: str
    value: float
    floor: float | None = None
    floor_is: str = ""
    goal: Goal | None = None

    @property
    def ratio(self) -> float | None:
        """The value divided by its floor."""
        return None if self.floor is None else self.value / self.floor

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        return None if self.goal is None else self.goal.is_met(self.ratio, self.value)


def at_least(bound: float, *, of_ratio: bool = True) -> Goal:
    """Return a lower bound."""
    return Goal(bound, is_least=True, of_ratio=of_ratio)


def at_most(bound: float, *, of_ratio: bool = True) -> Goal:
    """Return an upper bound."""
    return Goal(bound, is_least=False, of_ratio=of_ratio)


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds of `work`; garbage of earlier work is collected before."""
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def median(values: Sequence[float]) -> float:
    """Return the median of values."""
    return statistics.median(values)
