"""Gateways for administrators: their state, their tokens, and their reports that were not counted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from sqlalchemy.orm import Session

from portal.db.metering.gateways import (
    RecentEvents,
    all_gateways,
    first_event,
    gateway,
    gateway_named,
    recent_events,
    tokens_of,
    usable_tokens,
)
from portal.db.metering.held import count_held_of
from portal.db.metering.uncounted import Uncounted, rejected_reasons, uncounted_since
from portal.db.people.keys import key
from portal.db.tables import Gateway
from portal.errors import NotFound
from portal.rules.messages import Message, message
from portal.rules.metering.reporters import free_name
from portal.rules.people.actors import Actor
from portal.views.authority import check_reader
from portal.views.rows import view_of

RECENTLY = timedelta(minutes=15)
"""The pace of a gateway is that of this time."""
LATELY = timedelta(days=6)
"""Uncounted reports are shown for today and the six days before."""
MOST_HELD = 1000
"""Held events are counted up to this number; above, pages show "1,000 or more"."""


class ConnectionState(StrEnum):
    """Whether a gateway or key has been used."""

    WAITING = "waiting"
    TROUBLE = "trouble"
    CONNECTED = "connected"


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """The state of a gateway or key as a sentence; `at` is when this state was observed."""

    state: ConnectionState
    sentence: Message
    at: datetime | None = None


NO_EVENT_YET = ConnectionView(ConnectionState.WAITING, message("Waiting for the first event."))
UNKNOWN_KEYS = message(
    "Events arrive, but with keys or names that nobody here has; they are kept. With LiteLLM, is custom_auth set?"
)
NO_REQUEST_YET = ConnectionView(ConnectionState.WAITING, message("Waiting for the first request with this key."))


@dataclass(frozen=True, slots=True)
class Pace:
    """How many events of the last `RECENTLY` were requested per minute, with one decimal, and how late they arrive.

    `lag` is the time from the request of the event stored last to its arrival; None without an event.
    """

    per_minute: Decimal = Decimal("0.0")
    lag: timedelta | None = None


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """One gateway of the list. A gateway without usable tokens has imported usage, or reports of people themselves.

    `token_at` is when its newest usable token was created, and `rejected` counts the last seven days (UTC).
    """

    id: int
    name: str
    mode: str
    created_at: datetime
    tokens: int
    token_at: datetime | None
    reported_at: datetime | None
    rejected: int
    pace: Pace


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token of a gateway; `prefix` is its first 16 characters, the only part that is stored."""

    prefix: str
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class GatewayTokens:
    """A gateway with all of its tokens, oldest first."""

    id: int
    name: str
    mode: str
    tokens: tuple[TokenView, ...]


@dataclass(frozen=True, slots=True)
class RejectedView:
    """A reason why events were rejected: their number, the first and last time, and the id of one of them."""

    reason: str
    count: int
    first_at: datetime
    last_at: datetime
    example_id: str | None


@dataclass(frozen=True, slots=True)
class GatewayView:
    """A gateway's page. `lately` has the counts of the last seven days (UTC); the held events are not settled."""

    id: int
    name: str
    mode: str
    created_at: datetime
    reported_at: datetime | None
    connection: ConnectionView
    pace: Pace
    tokens: tuple[TokenView, ...]
    unattributed: int
    conflicts: int
    lately: Uncounted
    rejected: tuple[RejectedView, ...]


def load_gateways(session: Session, reader: Actor, now: datetime) -> tuple[GatewayRow, ...]:
    """Return all gateways by name. Raises Forbidden."""
    check_reader(session, reader)
    tokens, recent = usable_tokens(session), recent_events(session, now - RECENTLY)
    first = (now - LATELY).date()
    return tuple(
        view_of(
            GatewayRow,
            row,
            tokens=tokens[row.id].number if row.id in tokens else 0,
            token_at=tokens[row.id].newest_at if row.id in tokens else None,
            rejected=uncounted_since(session, row.id, first).rejected,
            pace=_pace(recent.get(row.id)),
        )
        for row in all_gateways(session)
    )


def load_gateway_tokens(session: Session) -> tuple[GatewayTokens, ...]:
    """Return all gateways by name, with their tokens; for operators."""
    return tuple(view_of(GatewayTokens, row, tokens=_tokens(session, row.id)) for row in all_gateways(session))


def find_gateway(session: Session, name: str) -> GatewayTokens:
    """Return the gateway of this name, for operators. Raises NotFound."""
    row = gateway_named(session, name)
    if row is None:
        raise NotFound(message("There is no gateway called {name}.", name=name))
    return view_of(GatewayTokens, row, tokens=_tokens(session, row.id))


def load_free_names(session: Session, reader: Actor, wanted: Iterable[str]) -> dict[str, str]:
    """Return a free name for each wanted name. Raises Forbidden."""
    check_reader(session, reader)
    taken = {row.name for row in all_gateways(session)}
    return {name: free_name(name, taken) for name in wanted}


def load_gateway(session: Session, reader: Actor, gateway_id: int, now: datetime) -> GatewayView:
    """Return a gateway's page. Raises Forbidden and NotFound."""
    row = _gateway(session, reader, gateway_id)
    held = count_held_of(session, row.id, MOST_HELD)
    return view_of(
        GatewayView,
        row,
        connection=_connection(session, row),
        pace=_pace(recent_events(session, now - RECENTLY).get(row.id)),
        tokens=_tokens(session, row.id),
        unattributed=held.get("unattributed", 0),
        conflicts=held.get("conflict", 0),
        lately=uncounted_since(session, row.id, (now - LATELY).date()),
        rejected=tuple(view_of(RejectedView, each) for each in rejected_reasons(session, row.id)),
    )


def load_gateway_connection(session: Session, reader: Actor, gateway_id: int) -> ConnectionView:
    """Return whether a gateway has reported. Raises Forbidden and NotFound."""
    return _connection(session, _gateway(session, reader, gateway_id))


def load_key_connection(session: Session, account_id: int, key_id: int) -> ConnectionView:
    """Return whether one of an account's own keys has been used. Raises NotFound."""
    row = key(session, account_id, key_id)
    if row is None:
        raise NotFound(message("You have no such key."))
    if row.last_used_at is None:
        return NO_REQUEST_YET
    return ConnectionView(ConnectionState.CONNECTED, message("It works: the key has been used."), row.last_used_at)


def _connection(session: Session, row: Gateway) -> ConnectionView:
    first = first_event(session, row.id)
    if first is not None:
        if first.is_exact:
            sentence = message(
                "It works. The first event: {model} for {username}.", model=first.model, username=first.username
            )
            return ConnectionView(ConnectionState.CONNECTED, sentence, first.received_at)
        return ConnectionView(
            ConnectionState.CONNECTED, message("It works. The newest report:"), row.reported_at or first.received_at
        )
    if row.reported_at is None:
        return NO_EVENT_YET
    if count_held_of(session, row.id, 1):
        return ConnectionView(ConnectionState.TROUBLE, UNKNOWN_KEYS, row.reported_at)
    for newest in rejected_reasons(session, row.id)[:1]:
        return ConnectionView(
            ConnectionState.TROUBLE,
            message("Events arrive, but are rejected: {reason}", reason=newest.reason),
            newest.last_at,
        )
    return ConnectionView(
        ConnectionState.TROUBLE, message("Something arrives, but no usage is in it yet."), row.reported_at
    )


def _tokens(session: Session, gateway_id: int) -> tuple[TokenView, ...]:
    return tuple(view_of(TokenView, row) for row in tokens_of(session, gateway_id))


def _pace(recent: RecentEvents | None) -> Pace:
    if recent is None:
        return Pace()
    minutes = RECENTLY // timedelta(minutes=1)
    return Pace((Decimal(recent.number) / minutes).quantize(Decimal("0.1")), recent.lag)


def _gateway(session: Session, reader: Actor, gateway_id: int) -> Gateway:
    check_reader(session, reader)
    row = gateway(session, gateway_id)
    if row is None:
        raise NotFound(message("There is no such gateway."))
    return row
