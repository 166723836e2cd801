"""Changes to the price book, and repairing events that have no cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator
from portal.db.audit import add_entry
from portal.db.metering import totals
from portal.db.metering.events import StoredEvent, fill_in_costs, unpriced_events
from portal.db.metering.totals import lifetimes
from portal.db.spending.prices import price_book, remove_price_of, set_price
from portal.errors import InvalidInput, NotFound
from portal.rules.messages import message
from portal.rules.metering.figures import Figures
from portal.rules.metering.rollups import sum_up
from portal.rules.people.actors import Actor
from portal.rules.spending.pricing import MAX_COST, MAX_PRICE, MAX_SUM, Price, cost_nano_eur, is_rate, price_at

BATCH = 1000


@dataclass(frozen=True, slots=True)
class RepairResult:
    """The result of one batch; `last` is the position for the next batch, None at the end."""

    repaired: int
    left: int
    last: tuple[datetime, int] | None


def enter_price(session: Session, actor: Actor, eur_per_token: Decimal, valid_from: datetime, now: datetime) -> None:
    """Add a price that is in force from `valid_from` on. Stored costs stay. Raises Forbidden and InvalidInput."""
    check_administrator(session, actor)
    if not is_rate(eur_per_token, MAX_PRICE):
        raise InvalidInput(message("A price is 0 to 1 EUR per token, with at most 12 decimals."), "eur_per_token")
    set_price(session, eur_per_token, valid_from, now)
    add_entry(session, actor, "price.set", now, eur_per_token=f"{eur_per_token:f}", valid_from=valid_from.isoformat())


def remove_price(session: Session, actor: Actor, valid_from: datetime | None, now: datetime) -> None:
    """Remove a price, for None the first one, which has always been in force. Stored costs stay.

    New events of a time without a price are stored without a cost. Raises Forbidden and NotFound.
    """
    check_administrator(session, actor)
    begins = "since ever" if valid_from is None else valid_from.isoformat()
    if not remove_price_of(session, valid_from):
        raise NotFound(message("There is no price that begins {begins}.", begins=begins))
    add_entry(session, actor, "price.remove", now, valid_from=begins)


def repair_costs(
    session: Session, actor: Actor, after: tuple[datetime, int] | None, budget_tz: ZoneInfo, now: datetime
) -> RepairResult:
    """Price a batch of events without a cost, with the price of their own time, and add the costs to all sums.

    Skips an event for which there is still no price, or by which a sum would exceed `MAX_SUM`. Raises Forbidden.
    """
    check_administrator(session, actor)
    events = unpriced_events(session, after, BATCH)
    costs = _costs(events, price_book(session), lifetimes(session, {event.account_id for event in events}))
    priced = [event for event in events if event.id in costs]
    changes = (replace(event, figures=Figures(cost_nano_eur=costs[event.id], unpriced=-1)) for event in priced)
    fill_in_costs(session, costs)
    totals.add(session, sum_up(changes, budget_tz))
    if costs:
        add_entry(session, actor, "price.repair", now, repaired=len(costs))
    last = (events[-1].requested_at, events[-1].id) if len(events) == BATCH else None
    return RepairResult(len(costs), len(events) - len(costs), last)


def _costs(events: Sequence[StoredEvent], book: Sequence[Price], lifetimes: Mapping[int, Figures]) -> dict[int, int]:
    """Return the costs in nano-euros by event id, of events that have a price and a cost within bounds."""
    costs = {}
    sums = {account_id: figures.cost_nano_eur for account_id, figures in lifetimes.items()}
    for event in events:
        price = price_at(book, event.requested_at)
        if price is None:
            continue
        cost = cost_nano_eur(event.figures.tokens, price.eur_per_token)
        total = sums.get(event.account_id, 0) + cost
        if cost <= MAX_COST and total <= MAX_SUM:
            costs[event.id], sums[event.account_id] = cost, total
    return costs
