"""The figures that are summed on cards, in charts, tables, totals and exports."""

from collections.abc import Iterable
from typing import NamedTuple


class Figures(NamedTuple):
    """Sums over some requests; queries, views, pages and JSON all use this class for consumption.

    `tokens` are billable, the other counts of tokens are raw; `cost_nano_eur` is in nano-euros (10⁻⁹ EUR). `unpriced`
    counts the requests without a cost, because no price was in force at their time; `without_counts` those with
    unknown tokens. The fields are the columns of every summed table.

    Decision: a named tuple, since storing an event makes several, and a frozen dataclass takes four times as long.
    """

    tokens: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    requests: int = 0
    cost_nano_eur: int = 0
    unpriced: int = 0
    without_counts: int = 0

    @property
    def total_tokens(self) -> int:
        """Input and output tokens together, raw."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: "Figures") -> "Figures":  # type: ignore[override]  # adds numbers, while tuples concatenate
        # written out: this runs for every event, and a loop over the fields takes five times as long
        return Figures(
            self.tokens + other.tokens,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.requests + other.requests,
            self.cost_nano_eur + other.cost_nano_eur,
            self.unpriced + other.unpriced,
            self.without_counts + other.without_counts,
        )

    def __neg__(self) -> "Figures":
        return Figures(*(-value for value in self))

    def __sub__(self, other: "Figures") -> "Figures":
        return self + -other


SUMS = Figures._fields
"""The names of the sums."""


def total(parts: Iterable[Figures]) -> Figures:
    """Return the sum of figures; zeros if there are none."""
    return sum(parts, Figures())


def figures_of_request(billable: int, prompt: int, completion: int, cost: int | None, without_counts: bool) -> Figures:
    """Return the figures that one request adds to every sum; `cost`, in nano-euros, is None without a price."""
    return Figures(billable, prompt, completion, 1, cost or 0, int(cost is None), int(without_counts))
