"""The effect of planned prices on the usage of a month, by model.

Decision: a model is affected if another entry prices it after the change, at the instant of the change. All its
requests of the month are then priced by that entry; other models keep their cost. A general price is exact, since
roll-ups have billable tokens. A price of a model needs cached tokens and cost factors, which only the events have: they
are summed by cost factor in one query, so the cost may differ by half a nano-euro per request. Requests that were
pruned have no such sums, and keep their cost.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from portal.db.spending.price_preview import FactorUsage, month_by_factor, month_by_model
from portal.db.spending.prices import price_book
from portal.rules.metering.figures import Figures, total
from portal.rules.people.actors import Actor
from portal.rules.periods import day_of, first_of_month, first_of_next_month, start_of_day
from portal.rules.spending.prices import Price, PriceBook, RequestTokens, with_changes
from portal.settings import settings
from portal.views.authority import check_reader


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """The usage of one model in a month, and its cost in nano-euros after the change.

    `price` is the entry that prices it then, None without one; `would_unpriced` is the number of requests without a
    cost. `is_affected` is whether the change matters to it. `pruned` requests are not affected.
    """

    model: str
    figures: Figures
    would_cost: int
    would_unpriced: int
    price: Price | None
    is_affected: bool
    pruned: int = 0

    @property
    def difference(self) -> int:
        """What the model would cost more, in nano-euros."""
        return self.would_cost - self.figures.cost_nano_eur


@dataclass(frozen=True, slots=True)
class PreviewView:
    """The cost of a month after a change, by model: affected ones with the largest difference first.

    `month` is its first day. `is_past` is whether a planned entry has begun already, so that stored costs stay;
    `is_free` is whether one has a price of 0.
    """

    month: date
    models: tuple[PreviewRow, ...]
    total: Figures
    would_cost: int
    would_unpriced: int
    is_past: bool
    is_free: bool

    @property
    def difference(self) -> int:
        """What the month would cost more, in nano-euros."""
        return self.would_cost - self.total.cost_nano_eur

    @property
    def affected(self) -> tuple[PreviewRow, ...]:
        """The models that the change matters to."""
        return tuple(row for row in self.models if row.is_affected)


def load_preview(
    session: Session,
    reader: Actor,
    planned: Sequence[Price],
    now: datetime,
    month: date | None = None,
    *,
    removed: Collection[int] = (),
) -> PreviewView:
    """Return the effect of planned entries, or of removed ones by id, on a month; None is the last whole one.

    All planned entries begin at one instant. Raises Forbidden.
    """
    check_reader(session, reader)
    tz = settings().budget_zone
    first = month or first_of_month(first_of_month(day_of(now, tz)) - timedelta(1))
    entries = price_book(session)
    instant = _instant(entries, planned, removed) or now
    second = now.replace(microsecond=0)  # prices from now on begin with it
    usage = month_by_model(session, first)
    before, after = PriceBook(entries), PriceBook(with_changes(entries, planned, removed))
    prices = {model: after.at(model, instant) for model in usage}
    affected = {model for model, price in prices.items() if price != before.at(model, instant)}
    since, until = start_of_day(first, tz), start_of_day(first_of_next_month(first), tz)
    with_rates = {model for model in affected if (price := prices[model]) is not None and price.rates is not None}
    parts = month_by_factor(session, first, since, until, with_rates) if with_rates else []
    rows = [
        _row(model, figures, prices[model], [part for part in parts if part.model == model])
        if model in affected
        else PreviewRow(model, figures, figures.cost_nano_eur, figures.unpriced, prices[model], is_affected=False)
        for model, figures in usage.items()
    ]
    rows.sort(key=lambda row: (not row.is_affected, -abs(row.difference), -row.figures.tokens, row.model))
    return PreviewView(
        month=first,
        models=tuple(rows),
        total=total(row.figures for row in rows),
        would_cost=sum(row.would_cost for row in rows),
        would_unpriced=sum(row.would_unpriced for row in rows),
        is_past=any(price.valid_from is None or price.valid_from < second for price in planned),
        is_free=any(price.is_free for price in planned),
    )


def _instant(entries: Iterable[Price], planned: Iterable[Price], removed: Collection[int]) -> datetime | None:
    begins = [*(price.valid_from for price in planned), *(entry.valid_from for entry in entries if entry.id in removed)]
    return next((instant for instant in begins if instant is not None), None)


def _row(model: str, figures: Figures, price: Price | None, parts: Sequence[FactorUsage]) -> PreviewRow:
    """Return the row of an affected model; `parts` are its events by cost factor, for an entry with rates."""
    if price is None:
        counted = figures.requests - figures.without_counts
        return PreviewRow(model, figures, 0, counted, None, is_affected=True)
    if price.rates is None:
        tokens = RequestTokens(figures.prompt_tokens, figures.completion_tokens, 0, figures.tokens)
        return PreviewRow(model, figures, price.cost(tokens, Decimal(1)), 0, price, is_affected=True)
    rest = figures - total(part.figures for part in parts)
    cost = rest.cost_nano_eur + sum(price.cost(part.tokens, part.cost_factor) for part in parts)
    return PreviewRow(model, figures, cost, rest.unpriced, price, is_affected=True, pruned=rest.requests)
