"""Settling held events: an administrator assigns or dismisses them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator, known_account
from portal.actions.fields import clean_field
from portal.actions.metering.usage import Result, record_usage
from portal.db.audit import add_entry
from portal.db.metering.held import held_event
from portal.db.metering.held_list import held_numbers
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.db.tables import HeldEvent
from portal.errors import Conflict, NotFound
from portal.rules.lists import ListFilter
from portal.rules.messages import Message, message
from portal.rules.metering.usage import UsageReport
from portal.rules.people.actors import Actor
from portal.rules.text import clean_line
from portal.settings import settings

LONGEST_REASON = 200
_PAGE = 500
"""Numbers of events that are read at a time."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one of many events: `problem` is why it was not settled, None if it was."""

    number: int
    problem: Message | None = None


Settle = Callable[[Session, int, datetime], None]
"""Settles one event; `assigning` and `dismissing` return it."""


def assign_held(
    session: Session, actor: Actor, held_id: int, account_id: int, budget_tz: ZoneInfo, now: datetime
) -> None:
    """Count an unattributed event for an account, at the instant of the event.

    A gateway that sends it again gets `duplicate`. Raises Forbidden, NotFound, and Conflict if the event is settled,
    contradicts a stored one, or cannot be counted for that account.
    """
    held = _unsettled(session, actor, held_id)
    owner = known_account(session, account_id)
    if held.reason != Result.UNATTRIBUTED:
        raise Conflict(
            message("It contradicts a stored event of the same id, and cannot be counted as well; dismiss it.")
        )
    report = UsageReport.of_body(held.body)
    [outcome] = record_usage(
        session,
        held.gateway_id,
        [report],
        budget_tz,
        now,
        assigned_to=owner.username,
        undated_at=held.received_at,
    )
    if outcome.result is not Result.ACCEPTED:
        raise Conflict(
            message(
                "It cannot be counted for {username}: {reason}",
                username=owner.username,
                reason=outcome.error or message("its id is stored already"),
            )
        )
    held.resolved_at = now
    _note(session, actor, "held.assign", held, "assigned", now, owner.id)


def dismiss_held(session: Session, actor: Actor, held_id: int, now: datetime, reason: str = "") -> None:
    """Settle a held event without counting it; it is kept, and the audit log has the reason.

    Raises Forbidden, InvalidInput for an invalid reason, NotFound and Conflict.
    """
    held = _unsettled(session, actor, held_id)
    text = clean_reason(reason)
    held.resolved_at = now
    _note(session, actor, "held.dismiss", held, "dismissed", now, reason=text)


def clean_reason(reason: str) -> str:
    """Return the reason of a dismissal as one line, which may be empty. Raises InvalidInput."""
    return clean_field("reason", clean_line, reason, message("The reason"), LONGEST_REASON, empty=True)


def assigning(actor: Actor, account_id: int) -> Settle:
    """Return what counts an event for an account, to settle many."""

    def settle(session: Session, number: int, now: datetime) -> None:
        assign_held(session, actor, number, account_id, settings().budget_zone, now)

    return settle


def dismissing(actor: Actor, reason: str) -> Settle:
    """Return what dismisses an event, to settle many."""

    def settle(session: Session, number: int, now: datetime) -> None:
        dismiss_held(session, actor, number, now, reason)

    return settle


def settle_many(numbers: Iterable[int], settle: Settle, clock: Callable[[], datetime]) -> Iterator[Settled]:
    """Settle events, each in a transaction of its own, and yield what became of each; opens its own transactions.

    An event that cannot be settled, since it was settled meanwhile, stops none of the others. Raises Forbidden
    and NotSignedIn, since the rights may end meanwhile, and Unavailable.
    """
    for number in numbers:
        try:
            run_in_transaction(settle, number, clock())
        except (Conflict, NotFound) as error:
            yield Settled(number, error.sentence)
        else:
            yield Settled(number)


def matching_numbers(actor: Actor, wanted: ListFilter) -> Iterator[int]:
    """Yield the numbers of all events that match a filter, without holding them all; opens its own transactions."""
    last = 0
    while numbers := run_in_reading(_matching, actor, wanted, last):
        yield from numbers
        last = numbers[-1]


def _matching(session: Session, actor: Actor, wanted: ListFilter, after: int) -> list[int]:
    check_administrator(session, actor)
    return held_numbers(session, wanted, after, _PAGE)


def _note(
    session: Session,
    actor: Actor,
    action: str,
    held: HeldEvent,
    state: str,
    now: datetime,
    account_id: int | None = None,
    *,
    reason: str = "",
) -> None:
    details = {"reason": reason} if reason else {}
    add_entry(
        session,
        actor,
        action,
        now,
        account_id=account_id,
        target=f"held:{held.id}",
        before={"state": "held"},
        after={"state": state},
        external_id=held.external_id,
        **details,
    )


def _unsettled(session: Session, actor: Actor, held_id: int) -> HeldEvent:
    check_administrator(session, actor)
    found = held_event(session, held_id)
    if found is None:
        raise NotFound(message("No event is held under the number {held_id}.", held_id=str(held_id)))
    if found.resolved_at is not None:
        raise Conflict(message("The event held under the number {held_id} was settled before.", held_id=str(held_id)))
    return found
