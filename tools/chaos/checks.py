"""Checks of the database: nothing lost, nothing counted twice, all sums equal to the events."""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from portal.actions.metering.verification import verify_account
from portal.db.metering.events import account_events
from portal.db.metering.totals import EVENT_SUMS, TOTALS, Total, figures_of, summed
from portal.db.sql.session import Database
from portal.db.tables import Account, UsageEvent
from portal.rules.metering.figures import Figures
from portal.rules.metering.rollups import sum_up
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
        return [*ledger.surprises, *_events(session, ledger, exactly=exactly), *_sums(session)]


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
        events = _figures(session, select(*EVENT_SUMS).where(UsageEvent.account_id == account_id))
        for total in TOTALS:
            wanted = select(*map(func.sum, summed(total.table))).where(total.account_id == account_id)
            found, expected = (
                _figures(session, wanted),
                [value * _keys_of_each(session, total, account_id) for value in events],
            )
            if list(found) != expected:
                yield f"{total.table.__tablename__} of account {account_id} add up to {found}, events to {expected}"
        yield from map(str, verify_account(session, account_id, BUDGET_ZONE))


def _keys_of_each(session: Session, total: Total, account_id: int) -> int:
    """Return the number of rows of a table to which each event is added; it is the same for all events."""
    first = next(account_events(session, account_id), None)
    return 0 if first is None else len(total.parts(sum_up([first], BUDGET_ZONE)))


def _figures(session: Session, query: Select[*tuple[Any, ...]]) -> Figures:
    return figures_of(session.execute(query).one())
