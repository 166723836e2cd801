"""The figures that are summed everywhere: on cards, in charts, tables, totals and exports."""

from collections.abc import Iterable
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over some requests; the one shape in which consumption travels from the queries to pages and JSON.

    `tokens` are billable, the other three raw; `cost_nano_eur` is in nano-euros (10⁻⁹ EUR).
    """

    tokens: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    requests: int = 0
    cost_nano_eur: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Figures)))


def total(parts: Iterable[Figures]) -> Figures:
    """Add figures up; nothing sums to zeros."""
    return sum(parts, Figures())
