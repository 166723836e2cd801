"""Asking for more tokens, and deciding about it.

Decision: a request is decided in one transaction that locks the account of its person: the state, the allowance, the
answer in the bell, the mail and the audit entry are stored together, and the second of two decisions finds the first.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator, check_manager_of_account, existing_account, own_account
from portal.actions.fields import clean_field
from portal.actions.outbox import queue_notice
from portal.actions.spending.allowances import check_has_limit, store_allowance
from portal.db.audit import add_entry
from portal.db.people.accounts import account, lock_account
from portal.db.spending.budget_requests import add_request, has_open_request, mark_answers_read, request_with
from portal.db.spending.budgets import limits_in_force
from portal.db.tables import BudgetRequest
from portal.errors import Conflict, NotFound
from portal.mails import AnswerFacts, Content, answer_mail
from portal.rules.messages import Message, message
from portal.rules.people.actors import Actor
from portal.rules.periods import Period
from portal.rules.spending.allowances import (
    NewAllowance,
    check_end,
    check_tokens,
    clean_answer,
    clean_reason,
    usual_end,
)
from portal.rules.spending.budget_requests import RequestState
from portal.settings import settings

ALREADY_OPEN = message("You have asked for this budget already. Wait for the answer, or withdraw that request first.")


def ask_for_more(session: Session, actor: Actor, period: Period, tokens: int, reason: str, now: datetime) -> int:
    """Store a person's request for more tokens in one period; return its id.

    Raises InvalidInput for malformed values and for a period without a limit, Conflict while a request for the period
    is open, and NotSignedIn.
    """
    own = own_account(session, actor)
    amount, why = clean_field("tokens", check_tokens, tokens), clean_field("reason", clean_reason, reason)
    lock_account(session, own.id)
    check_has_limit(limits_in_force(session, own.id, now).in_force(period))
    if has_open_request(session, own.id, period):
        raise Conflict(ALREADY_OPEN, "period")
    try:
        row = add_request(session, own.id, period, amount, why, now)
    except IntegrityError as error:  # another transaction has just stored one
        raise Conflict(ALREADY_OPEN, "period") from error
    values = {"period": period, "tokens": amount}
    add_entry(session, actor, "budget_request.ask", now, account_id=own.id, request=row.id, after=values)
    return row.id


def withdraw_request(session: Session, actor: Actor, request_id: int, now: datetime) -> None:
    """Take back an own request. Raises NotFound, also for a request of somebody else, Conflict, and NotSignedIn."""
    own = own_account(session, actor)
    found = request_with(session, request_id)
    if found is None or found.account_id != own.id:
        raise NotFound(message("There is no such request."))
    _close(session, found, RequestState.WITHDRAWN, now)
    add_entry(session, actor, "budget_request.withdraw", now, account_id=own.id, request=found.id)


def approve_request(
    session: Session,
    actor: Actor,
    request_id: int,
    now: datetime,
    *,
    tokens: int | None = None,
    ends_at: datetime | None = None,
    answer: str = "",
) -> int:
    """Grant the tokens of a request until `ends_at`, and tell its person; return the id of the allowance.

    By default these are the requested tokens, and the end of the period. Raises Forbidden, NotFound, InvalidInput, and
    Conflict if the request was decided or withdrawn already.
    """
    found = _request_to_decide(session, actor, request_id)
    period = Period(found.period)
    end = usual_end(period, now, settings().budget_zone) if ends_at is None else ends_at
    new = NewAllowance(
        period,
        clean_field("tokens", check_tokens, found.tokens if tokens is None else tokens),
        found.reason,
        clean_field("ends_at", check_end, end, now),
    )
    word = clean_field("answer", clean_answer, answer, empty=True)
    _close(session, found, RequestState.APPROVED, now, actor, word)
    found.allowance_id = store_allowance(session, actor, found.account_id, new, now).id
    values = {"tokens": new.tokens, "ends_at": new.ends_at, "answer": word}
    add_entry(
        session, actor, "budget_request.approve", now, account_id=found.account_id, request=found.id, after=values
    )
    _queue_answer(session, found, AnswerFacts(period, found.tokens, new.tokens, new.ends_at, word), now)
    return found.allowance_id


def decline_request(session: Session, actor: Actor, request_id: int, answer: str, now: datetime) -> None:
    """Decline a request with a word, and tell its person. Raises the errors of `approve_request`."""
    found = _request_to_decide(session, actor, request_id)
    word = clean_field("answer", clean_answer, answer, empty=False)
    _close(session, found, RequestState.DECLINED, now, actor, word)
    values = {"answer": word}
    add_entry(
        session, actor, "budget_request.decline", now, account_id=found.account_id, request=found.id, after=values
    )
    _queue_answer(session, found, AnswerFacts(Period(found.period), found.tokens, None, None, word), now)


def read_answers(session: Session, actor: Actor, until: datetime, now: datetime) -> None:
    """Mark the answers of the actor's account as read, up to those of the instant `until`. Raises NotSignedIn."""
    mark_answers_read(session, own_account(session, actor).id, until, now)


def _request_to_decide(session: Session, actor: Actor, request_id: int) -> BudgetRequest:
    found = request_with(session, request_id)
    if found is None:
        check_administrator(session, actor)
        raise NotFound(message("There is no such request."))
    check_manager_of_account(session, actor, found.account_id)
    existing_account(session, found.account_id)
    return found


def _close(
    session: Session,
    found: BudgetRequest,
    state: RequestState,
    now: datetime,
    actor: Actor | None = None,
    word: str = "",
) -> None:
    """Store the end of a request. Raises Conflict if it has ended already."""
    lock_account(session, found.account_id)
    session.refresh(found)
    if found.state != RequestState.OPEN:
        raise Conflict(_ended(session, found))
    found.state, found.decided_at, found.answer = state.value, now, word
    found.decided_by = None if actor is None else actor.account_id
    session.flush()


def _ended(session: Session, found: BudgetRequest) -> Message:
    if found.state == RequestState.WITHDRAWN:
        return message("This request was withdrawn already.")
    decider = None if found.decided_by is None else account(session, found.decided_by)
    if decider is None:
        return message("This request was decided already.")
    return message("This request was decided already, by {username}.", username=decider.username)


def _queue_answer(session: Session, found: BudgetRequest, facts: AnswerFacts, now: datetime) -> None:
    def write(display_name: str, language: str, at: datetime, zone: ZoneInfo) -> Content:  # noqa: ARG001  # the time of the decision is not in it
        return answer_mail(facts, settings().base_url or "", display_name, language, zone)

    queue_notice(session, existing_account(session, found.account_id), write, now)
