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
from portal.db.spending.prices import (
    entry_at,
    entry_by_id,
    lock_book,
    price_book,
    prices_of_models,
    remove_price_of,
    set_price,
)
from portal.errors import Conflict, InvalidInput, NotFound
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
    price_at,
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


def general_price(eur_per_token: Decimal, valid_from: datetime) -> Price:
    """Return a valid general entry, not stored. Raises InvalidInput."""
    if not is_rate(eur_per_token, MAX_PRICE):
        raise InvalidInput(message("A price is 0 to 1 EUR per token, with at most 12 decimals."), "eur_per_token")
    return Price(eur_per_token, valid_from)


def price_of_models(pattern: str, rates: Rates | None, valid_from: datetime, source: str = "") -> Price:
    """Return a valid model entry, or without rates an end, not stored. Raises InvalidInput.

    `pattern` is an exact name or has `*` and `?`.
    """
    pattern = clean_field("model", clean_pattern, pattern)
    if rates is not None:
        clean_field("prompt", check_rates, rates)
    source = clean_field("source", clean_line, source, message("The source"), LONGEST_SOURCE, empty=True)
    return model_price(pattern, rates, valid_from, source)


def enter_price(session: Session, actor: Actor, eur_per_token: Decimal, valid_from: datetime, now: datetime) -> bool:
    """Add a general price that is in force from `valid_from` on; return False if the book has it already.

    Stored costs stay. Raises Forbidden and InvalidInput.
    """
    return enter(session, actor, general_price(eur_per_token, valid_from), now)


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
    """Add a price for models, as `enter_price`. Raises Forbidden and InvalidInput."""
    return enter(session, actor, price_of_models(pattern, rates, valid_from, source), now)


def end_model_price(session: Session, actor: Actor, pattern: str, valid_from: datetime, now: datetime) -> bool:
    """End the price of a pattern from an instant on; its models then have the price of the next pattern that matches.

    Returns False if the book has this end already. Raises Forbidden, InvalidInput, and NotFound if there is no price.
    """
    check_administrator(session, actor)
    pattern = clean_field("model", clean_pattern, pattern)
    lock_book(session)
    ending = price_at([entry for entry in price_book(session) if entry.pattern == pattern], valid_from)
    if ending is None or (ending.is_end and ending.valid_from != valid_from):
        raise NotFound(message("There is no price of {model} that could end then.", model=pattern))
    return enter(session, actor, model_price(pattern, None, valid_from), now)


def enter(session: Session, actor: Actor, price: Price, now: datetime) -> bool:
    """Add an entry that `general_price` or `price_of_models` returned; return False if the book has it already.

    Raises Forbidden.
    """
    check_administrator(session, actor)
    lock_book(session)
    replaced = entry_at(session, price.pattern, price.valid_from)
    if not set_price(session, price, now):
        return False
    before = None if replaced is None else _details(replaced)
    action = "price.end" if price.is_end else "price.set"
    add_entry(session, actor, action, now, target=_target(price), before=before, after=_details(price))
    return True


def _target(price: Price) -> str:
    return f"price:{_begins(price)}" if price.pattern is None else f"price:{price.pattern}"


def _begins(price: Price) -> str:
    return "since ever" if price.valid_from is None else price.valid_from.isoformat()


def _details(price: Price) -> dict[str, Any]:
    """Return an entry for the audit log."""
    rates = asdict(price.rates) if price.rates else {} if price.is_end else {"eur_per_token": price.eur_per_token}
    about = {"valid_from": _begins(price), "model": price.pattern or "", "source": price.source}
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
    _note_removal(session, actor, removed, now)


def remove_planned_price(session: Session, actor: Actor, price_id: int, now: datetime) -> None:
    """Remove an entry that begins later than `now`. Raises Forbidden, NotFound, and Conflict if it has begun."""
    check_administrator(session, actor)
    lock_book(session)
    found = entry_by_id(session, price_id)
    if found is None:
        raise NotFound(message("There is no such price."))
    if found.valid_from is None or found.valid_from <= now:
        raise Conflict(message("This price has begun already. Enter another one for a later date, or end it."))
    remove_price_of(session, found.pattern, found.valid_from, now)
    _note_removal(session, actor, found, now)


def _note_removal(session: Session, actor: Actor, removed: Price, now: datetime) -> None:
    add_entry(session, actor, "price.remove", now, target=_target(removed), before=_details(removed))


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
