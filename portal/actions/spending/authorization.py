"""Authorizing requests: whether an API key may spend, and reserving the estimated tokens.

Decision: a reading decides first. Only if it allows a request and tokens are to be reserved, a transaction that locks
the account and its team decides again. So a refusal never waits for a lock.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from portal.db.people.keys import note_use
from portal.db.spending.authorization import (
    AuthorizationContext,
    Spender,
    authorization_context,
    drop_expired,
    lock_spender,
    reserve,
)
from portal.db.sql.session import run_in_glance, run_in_transaction
from portal.errors import Conflict, Unavailable, UnknownToken
from portal.rules.messages import message
from portal.rules.people.keys import NOTED_EVERY
from portal.rules.people.secrets import GATEWAY_TOKEN, digest, is_secret
from portal.rules.periods import day_of
from portal.rules.spending.authorization import RESERVED_FOR, Decision, Reason, decide, key_reason, refusal
from portal.rules.spending.pricing import billable_tokens
from portal.settings import settings


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """The question of a gateway whether a key may spend; `key_hash` is the SHA-256 of the key.

    `estimated_tokens` are raw tokens. With a `request_id` they are reserved for that request, else only compared.
    """

    gateway_token: str = field(repr=False)
    key_hash: str
    estimated_tokens: int | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Authorization:
    """The answer to a gateway; `spender` is None for an unknown key."""

    decision: Decision
    spender: Spender | None

    def key_to_note(self, now: datetime) -> int | None:
        """Return the id of the key if it is usable and its last use must be stored again."""
        if self.spender is None or self.decision.reason.is_about_the_key:
            return None
        noted_at = self.spender.last_used_at
        return self.spender.key_id if noted_at is None or noted_at <= now - NOTED_EVERY else None


def authorize(question: AuthorizationRequest, now: datetime) -> Authorization:
    """Return whether a key may spend, and reserve the estimated tokens if the request has an id.

    Opens its own snapshot and transaction. Raises UnknownToken if no gateway has the token, and Conflict while tokens
    are reserved under the same id for another account.
    """
    found = run_in_glance(_decide_in, question, now)
    if not found.decision.is_allowed or question.request_id is None or found.spender is None:
        return found
    return run_in_transaction(_decide_and_reserve, question, found.spender.account_id, now)


def note_key_use(key_id: int, now: datetime) -> None:
    """Store that a key is used, in a transaction of its own. Ignores an unavailable database."""
    with suppress(Unavailable):  # it was logged, and the next request stores the use
        run_in_transaction(note_use, key_id, now, NOTED_EVERY)


def _decide_in(connection: Connection, question: AuthorizationRequest, now: datetime) -> Authorization:
    return _decide(_context(connection, question, now).spender, question, now)


def _decide_and_reserve(
    session: Session, question: AuthorizationRequest, account_id: int, now: datetime
) -> Authorization:
    lock_spender(session, account_id)  # so an event either is stored already, or will release these tokens
    context = _context(session.connection(), question, now)
    answer = _decide(context.spender, question, now)
    request_id, spender = question.request_id, context.spender
    if not answer.decision.is_allowed or request_id is None or spender is None:
        return answer
    if context.is_reported:
        return answer
    if context.holds_expired:
        drop_expired(session, account_id, now)
    tokens = billable_tokens(question.estimated_tokens or 0, spender.cost_factor)
    if not reserve(session, context.gateway_id, request_id, spender, tokens, now + RESERVED_FOR, now):
        raise Conflict(message("Tokens are held under this request_id for another account."))
    return answer


def _context(connection: Connection, question: AuthorizationRequest, now: datetime) -> AuthorizationContext:
    token = question.gateway_token
    day = day_of(now, settings().budget_zone)
    context = None
    if is_secret(token, GATEWAY_TOKEN):
        context = authorization_context(
            connection, digest(token), question.key_hash, day, now, exclude=question.request_id
        )
    if context is None:
        raise UnknownToken
    return context


def _decide(spender: Spender | None, question: AuthorizationRequest, now: datetime) -> Authorization:
    if spender is None:
        return Authorization(refusal(Reason.UNKNOWN_KEY), None)
    reason = key_reason(
        spender.is_active, spender.expires_at, spender.revoked_at, now, team_is_active=spender.team_is_active
    )
    if reason is not Reason.OK:
        return Authorization(refusal(reason), spender)
    raw = question.estimated_tokens
    estimate = None if raw is None else billable_tokens(raw, spender.cost_factor)
    return Authorization(decide(spender.budgets, estimate, now, settings().budget_zone), spender)
