"""The figures that are summed everywhere: on cards, in charts, tables, totals and exports."""

from collections.abc import Iterable
from typing import NamedTuple


class Figures(NamedTuple):
    """Sums over some requests; the one shape in which consumption travels from the queries to pages and JSON.

    `tokens` are billable, the other three raw; `cost_nano_eur` is in nano-euros (10⁻⁹ EUR). `unpriced` says how many of
    the requests have no cost yet, since no price was in force at their time; `without_counts` how many have unknown
    tokens.

    Decision: a named tuple, since storing an event makes several, and a frozen dataclass takes four times as long.
    """

    tokens: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    requests: int = 0
    cost_nano_eur: int = 0
    unpriced: int = 0
    without_counts: int = 0

    def __add__(self, other: "Figures") -> "Figures":  # type: ignore[override]  # adds up, where tuples are strung together
        # written out, since every event passes here and a loop over the fields takes five times as long
        return Figures(
            self.tokens + other.tokens,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.total_tokens + other.total_tokens,
            self.requests + other.requests,
            self.cost_nano_eur + other.cost_nano_eur,
            self.unpriced + other.unpriced,
            self.without_counts + other.without_counts,
        )

    def __neg__(self) -> "Figures":
        return Figures(
            -self.tokens,
            -self.prompt_tokens,
            -self.completion_tokens,
            -self.total_tokens,
            -self.requests,
            -self.cost_nano_eur,
            -self.unpriced,
            -self.without_counts,
        )

    def __sub__(self, other: "Figures") -> "Figures":
        return self + -other


def total(parts: Iterable[Figures]) -> Figures:
    """Add figures up; nothing sums to zeros."""
    return sum(parts, Figures())
