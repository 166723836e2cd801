"""What a benchmark finds: figures, each beside its floor, since only ratios carry over to another machine."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound, of a figure itself or of its ratio to the floor."""

    bound: float
    is_least: bool
    of_ratio: bool = True

    def is_met(self, ratio: float | None, value: float) -> bool:
        """Say whether a figure is within the bound."""
        measured = ratio if self.of_ratio and ratio is not None else value
        return measured >= self.bound if self.is_least else measured <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.is_least else '≤'} {self.bound:,g}{' ×' if self.of_ratio else ''}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value, in its `unit`; `floor` is what it is compared with, in the same unit."""

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
        """Whether the goal is met; None where there is none."""
        return None if self.goal is None else self.goal.is_met(self.ratio, self.value)


def at_least(bound: float, *, of_ratio: bool = True) -> Goal:
    """Return a goal that more is better for."""
    return Goal(bound, is_least=True, of_ratio=of_ratio)


def at_most(bound: float) -> Goal:
    """Return a goal of a ratio that less is better for."""
    return Goal(bound, is_least=False)


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes, without what others left to be collected."""
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def median(values: Sequence[float]) -> float:
    """Return the middle one of some values."""
    return statistics.median(values)
