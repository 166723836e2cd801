"""Changes to the price book, and repairing events that have no cost."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator
from portal.actions.fields import clean_field
from portal.db.audit import add_entry
from portal.db.metering import totals
from portal.db.metering.events import UnpricedEvent, fill_in_costs, unpriced_events
from portal.db.metering.totals import lifetimes
from portal.db.spending.prices import prices_of_models, remove_price_of, set_price
from portal.errors import InvalidInput, NotFound
from portal.rules.messages import message
from portal.rules.metering.figures import Figures
from portal.rules.metering.rollups import sum_up
from portal.rules.people.actors import Actor
from portal.rules.spending.prices import (
    LONGEST_SOURCE,
    Price,
    PriceBook,
    Rates,
    check_rates,
    clean_pattern,
    model_price,
)
from portal.rules.spending.pricing import MAX_COST, MAX_PRICE, MAX_SUM, is_rate
from portal.rules.text import clean_line

BATCH = 1000


@dataclass(frozen=True, slots=True)
class RepairResult:
    """The result of one batch; `last` is the position for the next batch, None at the end."""

    repaired: int
    left: int
    last: tuple[datetime, int] | None


def enter_price(session: Session, actor: Actor, eur_per_token: Decimal, valid_from: datetime, now: datetime) -> bool:
    """Add a general price that is in force from `valid_from` on; return False if the book has it already.

    Stored costs stay. Raises Forbidden and InvalidInput.
    """
    check_administrator(session, actor)
    if not is_rate(eur_per_token, MAX_PRICE):
        raise InvalidInput(message("A price is 0 to 1 EUR per token, with at most 12 decimals."), "eur_per_token")
    return _enter(session, actor, Price(eur_per_token, valid_from), now)


def enter_model_price(
    session: Session,
    actor: Actor,
    pattern: str,
    rates: Rates,
    valid_from: datetime,
    now: datetime,
    *,
    source: str = "",
) -> bool:
    """Add a price for models, as `enter_price`; `pattern` is an exact name or has `*` and `?`.

    Raises Forbidden and InvalidInput.
    """
    check_administrator(session, actor)
    pattern = clean_field("model", clean_pattern, pattern)
    clean_field("prompt", check_rates, rates)
    source = clean_field("source", clean_line, source, message("The source"), LONGEST_SOURCE, empty=True)
    return _enter(session, actor, model_price(pattern, rates, valid_from, source), now)


def _enter(session: Session, actor: Actor, price: Price, now: datetime) -> bool:
    if not set_price(session, price, now):
        return False
    add_entry(session, actor, "price.set", now, target=_target(price), **_details(price))
    return True


def _target(price: Price) -> str:
    return f"price:{_details(price)['valid_from'] if price.pattern is None else price.pattern}"


def _details(price: Price) -> dict[str, Any]:
    """Return an entry for the audit log."""
    begins = "since ever" if price.valid_from is None else price.valid_from.isoformat()
    rates = asdict(price.rates) if price.rates else {"eur_per_token": price.eur_per_token}
    about = {"valid_from": begins, "model": price.pattern or "", "source": price.source}
    return {name: f"{rate:f}" for name, rate in rates.items()} | {name: text for name, text in about.items() if text}


def remove_price(
    session: Session, actor: Actor, valid_from: datetime | None, now: datetime, *, pattern: str | None = None
) -> None:
    """Remove the price of a pattern (None: the general one) from an instant on (None: since ever). Stored costs stay.

    New events of a time without a price are stored without a cost. Raises Forbidden and NotFound.
    """
    check_administrator(session, actor)
    begins = "since ever" if valid_from is None else valid_from.isoformat()
    stored = None if pattern is None else clean_field("model", clean_pattern, pattern)
    removed = remove_price_of(session, stored, valid_from, now)
    if removed is None and pattern is not None:
        raise NotFound(message("There is no price of {model} that begins {begins}.", model=pattern, begins=begins))
    if removed is None:
        raise NotFound(message("There is no price that begins {begins}.", begins=begins))
    add_entry(session, actor, "price.remove", now, target=_target(removed), **_details(removed))


def repair_costs(
    session: Session, actor: Actor, after: tuple[datetime, int] | None, budget_tz: ZoneInfo, now: datetime
) -> RepairResult:
    """Price a batch of events without a cost, with the price of their own time, and add the costs to all sums.

    Skips an event for which there is still no price, or by which a sum would exceed `MAX_SUM`. Raises Forbidden.
    """
    check_administrator(session, actor)
    events = unpriced_events(session, after, BATCH)
    book = PriceBook(prices_of_models(session, {found.event.model for found in events}))
    costs = _costs(events, book, lifetimes(session, {found.event.account_id for found in events}))
    priced = [found.event for found in events if found.event.id in costs]
    changes = (replace(event, figures=Figures(cost_nano_eur=costs[event.id][0], unpriced=-1)) for event in priced)
    fill_in_costs(session, costs)
    sums = sum_up(changes, budget_tz)
    totals.add(session, sums)
    if costs:
        add_entry(session, actor, "price.repair", now, repaired=len(costs))
    totals.add_shared(session, sums)
    last = (events[-1].event.requested_at, events[-1].event.id) if len(events) == BATCH else None
    return RepairResult(len(costs), len(events) - len(costs), last)


def _costs(
    events: Sequence[UnpricedEvent], book: PriceBook, lifetimes: Mapping[int, Figures]
) -> dict[int, tuple[int, int | None]]:
    """Return cost in nano-euros and id of the price by event id, if there is a price and the cost is within bounds."""
    costs = {}
    sums = {account_id: figures.cost_nano_eur for account_id, figures in lifetimes.items()}
    for found in events:
        event = found.event
        price = book.at(event.model, event.requested_at)
        if price is None:
            continue
        cost = price.cost(found.tokens, found.cost_factor)
        total = sums.get(event.account_id, 0) + cost
        if cost <= MAX_COST and total <= MAX_SUM:
            costs[event.id], sums[event.account_id] = (cost, price.id), total
    return costs
