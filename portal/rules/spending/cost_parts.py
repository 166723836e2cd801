"""The parts of the cost of many requests: those with one price and one cost factor share a formula.

Each request is rounded by itself, so the formula over the sums of a part ties within half a nano-euro per request.
"""

from dataclasses import dataclass
from decimal import Decimal

from portal.rules.metering.figures import Figures
from portal.rules.spending.prices import Price, RequestTokens


@dataclass(frozen=True, slots=True)
class CostPart:
    """Requests with one price and, for a price of models, one cost factor; with their tokens and their cost.

    `price` is None for requests without a cost (`figures.unpriced`), and for those that were stored before the portal
    kept the price of each.
    """

    price: Price | None
    cost_factor: Decimal
    tokens: RequestTokens
    figures: Figures

    @property
    def is_unpriced(self) -> bool:
        """Whether the requests have no cost."""
        return self.figures.unpriced > 0

    @property
    def ties(self) -> bool:
        """Whether the formula gives the cost, within half a nano-euro per request."""
        if self.price is None:
            return False
        difference = self.price.cost(self.tokens, self.cost_factor) - self.figures.cost_nano_eur
        return 2 * abs(difference) <= self.figures.requests + 1  # the formula itself is rounded once more


@dataclass(frozen=True, slots=True)
class CostParts:
    """The parts of a cost, largest first; `rest` are the requests that were deleted, but are still counted."""

    parts: tuple[CostPart, ...]
    rest: Figures
    total: Figures


def cost_parts(parts: list[CostPart], total: Figures) -> CostParts:
    """Return the parts of a sum. Parts with one general price are one part, since its formula needs no cost factor."""
    merged: dict[tuple[object, ...], CostPart] = {}
    for part in parts:
        has_factor = part.price is not None and part.price.rates is not None
        factor = part.cost_factor if has_factor else Decimal(1)
        key = (part.price.id if part.price else None, factor, part.is_unpriced)
        found = merged.get(key)
        merged[key] = CostPart(part.price, factor, part.tokens, part.figures) if found is None else _sum(found, part)
    ordered = sorted(merged.values(), key=lambda part: (-part.figures.cost_nano_eur, -part.figures.tokens))
    rest = total
    for part in ordered:
        rest = rest - part.figures
    return CostParts(tuple(ordered), rest, total)


def _sum(one: CostPart, other: CostPart) -> CostPart:
    a, b = one.tokens, other.tokens
    tokens = RequestTokens(
        a.prompt + b.prompt, a.completion + b.completion, a.cached + b.cached, a.billable + b.billable
    )
    return CostPart(one.price, one.cost_factor, tokens, one.figures + other.figures)
