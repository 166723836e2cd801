"""Settling held events: an administrator assigns or dismisses them."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator
from portal.actions.metering.usage import Result, record_usage
from portal.db.audit import add_entry
from portal.db.metering.held import held_event
from portal.db.people.accounts import account
from portal.db.tables import HeldEvent
from portal.errors import Conflict, NotFound
from portal.rules.messages import message
from portal.rules.metering.usage import UsageReport
from portal.rules.people.actors import Actor


def assign_held(
    session: Session, actor: Actor, held_id: int, account_id: int, budget_tz: ZoneInfo, now: datetime
) -> None:
    """Count an unattributed event for an account, at the instant of the event.

    A gateway that sends it again gets `duplicate`. Raises Forbidden, NotFound, and Conflict if the event is settled,
    contradicts a stored one, or cannot be counted for that account.
    """
    held = _unsettled(session, actor, held_id)
    owner = account(session, account_id)
    if owner is None:
        raise NotFound(message("There is no such account."))
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


def dismiss_held(session: Session, actor: Actor, held_id: int, now: datetime) -> None:
    """Settle a held event without counting it; it is kept. Raises Forbidden, NotFound and Conflict."""
    held = _unsettled(session, actor, held_id)
    held.resolved_at = now
    _note(session, actor, "held.dismiss", held, "dismissed", now)


def _note(
    session: Session,
    actor: Actor,
    action: str,
    held: HeldEvent,
    state: str,
    now: datetime,
    account_id: int | None = None,
) -> None:
    old, new = {"state": "held"}, {"state": state}
    target, event = f"held:{held.id}", held.external_id
    add_entry(
        session, actor, action, now, account_id=account_id, target=target, before=old, after=new, external_id=event
    )


def _unsettled(session: Session, actor: Actor, held_id: int) -> HeldEvent:
    check_administrator(session, actor)
    found = held_event(session, held_id)
    if found is None:
        raise NotFound(message("No event is held under the number {held_id}.", held_id=str(held_id)))
    if found.resolved_at is not None:
        raise Conflict(message("The event held under the number {held_id} was settled before.", held_id=str(held_id)))
    return found
