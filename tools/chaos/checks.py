"""Checks of the database: nothing lost, nothing counted twice, all sums equal to the events."""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from portal.actions.metering.verification import verify_account, verify_shared
from portal.db.metering.events import account_events
from portal.db.metering.totals import EVENT_SUMS, TOTALS, Total, figures_of, summed
from portal.db.spending.prices import prices_by_id
from portal.db.sql.session import Database
from portal.db.tables import Account, OrganisationDaily, Price, Reservation, TeamCounter, UsageEvent
from portal.rules.metering.figures import SUMS, Figures
from portal.rules.metering.rollups import sum_up
from portal.rules.spending.prices import RequestTokens
from tools.chaos.clients import Ledger

BUDGET_ZONE = ZoneInfo("America/Havana")
"""A zone with other days than UTC."""

STORED = (
    "SELECT gateways.name, external_id, prompt_tokens, completion_tokens "
    "FROM usage_events JOIN gateways ON gateways.id = gateway_id"
)


def violations(database: Database, ledger: Ledger, *, exactly: bool = False) -> list[str]:
    """Return all errors as sentences, while no client sends; `exactly`: each stored event must be acknowledged."""
    with database.reading() as session:
        return [
            *ledger.surprises,
            *_events(session, ledger, exactly=exactly),
            *_sums(session),
            *_shared_sums(session),
            *_costs(session),
        ]


def _events(session: Session, ledger: Ledger, *, exactly: bool) -> Iterator[str]:
    rows = [tuple(row) for row in session.execute(text(STORED))]
    stored = Counter((gateway, id) for gateway, id, *_ in rows)
    yield from (f"{id} is stored {count} times" for id, count in stored.items() if count > 1)
    yield from _each("was acknowledged but is not stored", ledger.acknowledged - stored.keys())
    yield from _each("is stored but was never sent", stored.keys() - ledger.sent.keys())
    if exactly:
        yield from _each("is stored but was not acknowledged", stored.keys() - ledger.acknowledged)
    for gateway, id, *tokens in rows:
        sent: dict[str, Any] = ledger.sent.get((gateway, id), {})
        if sent and tokens != [sent["prompt_tokens"], sent["completion_tokens"]]:
            yield f"{gateway} {id} is stored with {tokens}"
    held = session.execute(text("SELECT count(*) FROM held_events")).scalar()
    if held:
        yield f"{held} events are held, though none was strange"


def _each(sentence: str, ids: set[tuple[str, str]]) -> Iterator[str]:
    yield from (f"{' '.join(id)} {sentence}" for id in sorted(ids))


def _sums(session: Session) -> Iterator[str]:
    """Compare each table of sums with the events, once by SQL alone and once row by row."""
    for account_id in session.scalars(select(Account.id).order_by(Account.id)).all():
        own = select(*EVENT_SUMS).where(UsageEvent.account_id == account_id)
        kinds = [_figures(session, own.where(kind)) for kind in (_WITH_KEY, ~_WITH_KEY)]
        for total in TOTALS:
            expected = [0] * len(SUMS)
            for events, rows in zip(kinds, _rows_of_each(session, total, account_id), strict=True):
                expected = [value + rows * each for value, each in zip(expected, events, strict=True)]
            found = _figures(session, select(*map(func.sum, summed(total.table))).where(total.account_id == account_id))
            if list(found) != expected:
                yield f"{total.table.__tablename__} of account {account_id} add up to {found}, events to {expected}"
        yield from map(str, verify_account(session, account_id, BUDGET_ZONE))


_WITH_KEY = UsageEvent.api_key_id.is_not(None)


def _rows_of_each(session: Session, total: Total, account_id: int) -> list[int]:
    """Return the number of rows of a table to which each event with a key is added, and to which each without."""
    events = list(account_events(session, account_id))
    firsts = [[event for event in events if (event.api_key_id is not None) is has_key][:1] for has_key in (True, False)]
    return [len(total.parts(sum_up(first, BUDGET_ZONE))) if first else 0 for first in firsts]


def _shared_sums(session: Session) -> Iterator[str]:
    """Compare the sums across accounts with the events, by SQL alone and row by row."""
    team_of_event = func.coalesce(UsageEvent.team_id, 0)
    events = {
        row[0]: figures_of(row[1:])
        for row in session.execute(select(team_of_event, *EVENT_SUMS).group_by(team_of_event))
    }
    sums = select(TeamCounter.period, TeamCounter.team_id, *map(func.sum, summed(TeamCounter)))
    for period, team_id, *values in session.execute(sums.group_by(TeamCounter.period, TeamCounter.team_id)):
        if figures_of(values) != events.get(team_id):
            yield f"{period} counters of team {team_id} add up to {figures_of(values)}, events to {events.get(team_id)}"
    whole = _figures(session, select(*map(func.sum, summed(OrganisationDaily))))
    if whole != _figures(session, select(*EVENT_SUMS)):
        yield f"the days of the organisation add up to {whole}, not to the events"
    yield from map(str, verify_shared(session))


def _costs(session: Session) -> Iterator[str]:
    """Compare the cost of each event with that of the entry of the price book that made it; look for reservations."""
    prices = prices_by_id(session, session.scalars(select(Price.id)).all())
    for event in session.scalars(select(UsageEvent).execution_options(yield_per=1000)):
        tokens = RequestTokens(
            event.prompt_tokens, event.completion_tokens, event.cached_tokens or 0, event.billable_tokens
        )
        expected = None if event.price_id is None else prices[event.price_id].cost(tokens, event.cost_factor)
        if event.cost_nano_eur != expected:
            yield f"{event.external_id} costs {event.cost_nano_eur} nano-euros, by its price {expected}"
    is_stored = (UsageEvent.gateway_id == Reservation.gateway_id) & (UsageEvent.external_id == Reservation.request_id)
    left = session.scalars(select(Reservation.request_id).join(UsageEvent, is_stored)).all()
    yield from (f"tokens are still reserved for {request_id}, which is stored" for request_id in left)


def _figures(session: Session, query: Select[*tuple[Any, ...]]) -> Figures:
    return figures_of(session.execute(query).one())
