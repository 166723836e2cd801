"""The local programs of the desktop program's person: whether each has reported usage, and how much today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter

from sqlalchemy.orm import Session

from portal.db.metering.gateways import first_event, gateways_of, tokens_of
from portal.db.metering.held import newest_held_of
from portal.db.metering.programs import GatewayRequests, last_received, requests_by_gateway
from portal.db.metering.uncounted import rejected_reasons
from portal.db.tables import Gateway
from portal.rules.messages import Message, message
from portal.rules.metering.programs import Program
from portal.rules.periods import DayRange, day_of, end_of_day, start_of_day
from portal.settings import settings

SHOWN_FOR = timedelta(days=7)
"""How long a rejected event is shown if nothing arrives after it."""


class ProgramState(StrEnum):
    """The light of a program."""

    OFF = "off"
    WAITING = "waiting"
    CONNECTED = "connected"
    HELD = "held"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class ProgramView:
    """A program: its state as a sentence, and when that was observed; the start of its token, None before it has one.

    `today` is the number of its requests today in the budget time zone. `mode` selects exactly these requests in
    Usage History; None if no mode does.
    """

    program: Program
    state: ProgramState
    sentence: Message
    at: datetime | None = None
    token_prefix: str | None = None
    today: int = 0
    mode: str | None = None


@dataclass(frozen=True, slots=True)
class ProgramsView:
    """All programs, and the day of `today`."""

    programs: tuple[ProgramView, ...]
    day: DayRange


_OFF = message("Not connected")
_WAITING = message("Nothing yet")
_NO_USAGE = message("Something arrives, but no usage is in it yet.")
_CONFLICT = message("An event has the id of an earlier one, but other content. It is kept, and not counted.")
_UNKNOWN = message("An event names an account that does not exist. It is kept, and not counted.")


def load_programs(session: Session, account_id: int, now: datetime) -> ProgramsView:
    """Return the programs of an account."""
    zone = settings().budget_zone
    today = day_of(now, zone)
    found = {row.mode: row for row in gateways_of(session, account_id)}
    requests: list[GatewayRequests] = []
    if found:
        requests = requests_by_gateway(session, account_id, start_of_day(today, zone), end_of_day(today, zone))
    programs = (
        _view(session, account_id, program, found[program], requests, now)
        if program in found
        else ProgramView(program, ProgramState.OFF, _OFF)
        for program in Program
    )
    return ProgramsView(tuple(programs), DayRange(today, today))


def _view(
    session: Session,
    account_id: int,
    program: Program,
    row: Gateway,
    requests: Sequence[GatewayRequests],
    now: datetime,
) -> ProgramView:
    light = _light(session, account_id, row, now)
    tokens = [token.prefix for token in tokens_of(session, row.id) if token.revoked_at is None]
    own = [each for each in requests if each.gateway_id == row.id]
    modes = {each.mode for each in own}
    others = {each.mode for each in requests if each.gateway_id != row.id}
    return ProgramView(
        program,
        light.state,
        light.sentence,
        light.at,
        tokens[-1] if tokens else None,
        today=sum(each.requests for each in own),
        mode=next(iter(modes)) if len(modes) == 1 and not modes & others else None,
    )


@dataclass(frozen=True, slots=True)
class _Light:
    state: ProgramState
    sentence: Message
    at: datetime


def _light(session: Session, account_id: int, row: Gateway, now: datetime) -> _Light:
    """Return the state of a gateway; the newest of usage, rejected and held events decides."""
    first = first_event(session, row.id)
    used_at = None if first is None else last_received(session, account_id, row.id)
    troubles = [light for light in (_rejected(session, row, now), _held(session, row)) if light is not None]
    newest = max(troubles, key=attrgetter("at"), default=None)
    if newest is not None and (used_at is None or newest.at > used_at):
        return newest
    if used_at is None:
        return _without_usage(row)
    if first is not None and first.is_exact:
        return _Light(ProgramState.CONNECTED, message("First usage"), first.received_at)
    return _Light(ProgramState.CONNECTED, message("Last usage"), used_at)


def _without_usage(row: Gateway) -> _Light:
    if row.reported_at is not None:
        return _Light(ProgramState.HELD, _NO_USAGE, row.reported_at)
    return _Light(ProgramState.WAITING, _WAITING, row.created_at)


def _rejected(session: Session, row: Gateway, now: datetime) -> _Light | None:
    for newest in rejected_reasons(session, row.id)[:1]:
        if now - newest.last_at < SHOWN_FOR:
            return _Light(ProgramState.REJECTED, message("Rejected: {reason}", reason=newest.reason), newest.last_at)
    return None


def _held(session: Session, row: Gateway) -> _Light | None:
    held = newest_held_of(session, row.id)
    if held is None:
        return None
    return _Light(ProgramState.HELD, _CONFLICT if held.reason == "conflict" else _UNKNOWN, held.received_at)
