"""The facts that decide whether a key may spend, and tokens that are reserved for requests.

Decision: one statement reads all facts, so that they belong to the same moment: tokens that an event moves from
reserved to consumed are neither missing nor counted twice. It is compiled once, since it runs before every LLM request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, String, bindparam, delete, exists, func, or_, select, text
from sqlalchemy.orm import Session

from portal.db.spending.budgets import BUDGET, COUNTERS, limits_of, starts, with_counters
from portal.db.sql.types import Instant
from portal.db.tables import (
    Account,
    ApiKey,
    Budget,
    ExpertTemplate,
    GatewayToken,
    PrunedEvent,
    Reservation,
    UsageEvent,
)
from portal.rules.spending.authorization import Spent
from portal.rules.spending.budgets import Limits

_CHUNK = 400


@dataclass(frozen=True, slots=True)
class Spender:
    """A known key and its account, with the limits and sums that decide about spending.

    `cost_factor` is the factor of the account's active template, `template`; 1 without one.
    """

    key_id: int
    account_id: int
    username: str
    is_active: bool
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    template: str | None
    cost_factor: Decimal
    limits: Limits
    spent: Spent


@dataclass(frozen=True, slots=True)
class AuthorizationContext:
    """The facts that decide whether a key may spend; `spender` is None for an unknown key.

    `is_reported` is whether the event of the request is stored, or was before it was pruned; `holds_expired` is whether
    the account has reservations that have expired, which do not count.
    """

    gateway_id: int
    spender: Spender | None
    is_reported: bool
    holds_expired: bool


def authorization_context(
    connection: Connection, token_hash: str, key_hash: str, day: date, now: datetime, *, exclude: str | None = None
) -> AuthorizationContext | None:
    """Return the facts that decide about a key, for the gateway with this unrevoked token; None for any other token.

    Secrets are looked up by their SHA-256. `day` is today in the budget time zone. `exclude` is the id of the request
    at that gateway; its own reservation does not count.
    """
    values = {"token_hash": token_hash, "key_hash": key_hash, "now": now, "request": exclude or ""} | starts(day)
    row = connection.execute(_CONTEXT, values).first()
    if row is None:
        return None
    spender = None if row.key_id is None else _spender(row)
    return AuthorizationContext(row.gateway_id, spender, bool(row.is_reported), bool(row.holds_expired))


def _spender(row: Row[*tuple[Any, ...]]) -> Spender:
    return Spender(
        key_id=row.key_id,
        account_id=row.account_id,
        username=row.username,
        is_active=row.active,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        template=row.template,
        cost_factor=Decimal(1) if row.cost_factor is None else row.cost_factor,
        limits=limits_of(row),
        spent=Spent({period: used or 0 for period, used in zip(COUNTERS, row[-3:], strict=True)}, int(row.reserved)),
    )


_NOW, _REQUEST = bindparam("now", type_=Instant()), bindparam("request", type_=String())
_HELD = (
    select(func.coalesce(func.sum(Reservation.tokens), 0))
    .where(
        Reservation.account_id == ApiKey.account_id,
        Reservation.expires_at > _NOW,
        or_(Reservation.gateway_id != GatewayToken.gateway_id, Reservation.request_id != _REQUEST),
    )
    .correlate(ApiKey, GatewayToken)
    .scalar_subquery()
)
_HOLDS_EXPIRED = exists().where(Reservation.account_id == ApiKey.account_id, Reservation.expires_at <= _NOW)
_IS_REPORTED = or_(
    *(
        exists().where(events.gateway_id == GatewayToken.gateway_id, events.external_id == _REQUEST)
        for events in (UsageEvent, PrunedEvent)
    )
)

_CONTEXT = with_counters(
    select(
        GatewayToken.gateway_id,
        ApiKey.id.label("key_id"),
        ApiKey.account_id,
        ApiKey.expires_at,
        ApiKey.revoked_at,
        ApiKey.last_used_at,
        Account.username,
        Account.active,
        ExpertTemplate.name.label("template"),
        ExpertTemplate.cost_factor,
        *BUDGET,
        _HELD.label("reserved"),
        _IS_REPORTED.label("is_reported"),
        _HOLDS_EXPIRED.label("holds_expired"),
        *(counter.tokens for counter in COUNTERS.values()),
    )
    .select_from(GatewayToken)
    .outerjoin(ApiKey, ApiKey.key_hash == bindparam("key_hash"))
    .outerjoin(Account, Account.id == ApiKey.account_id)
    .outerjoin(ExpertTemplate, ExpertTemplate.id == Account.template_id)
    .outerjoin(Budget, Budget.account_id == Account.id),
).where(GatewayToken.token_hash == bindparam("token_hash"), GatewayToken.revoked_at.is_(None))


# Reservations


def reserve(
    session: Session,
    gateway_id: int,
    request_id: str,
    account_id: int,
    tokens: int,
    expires_at: datetime,
    now: datetime,
) -> bool:
    """Reserve billable tokens for a request; this replaces an earlier reservation of the request.

    Returns False, and reserves nothing, while another account has a reservation under this id.
    """
    values = {"gateway_id": gateway_id, "request_id": request_id, "account_id": account_id, "tokens": tokens}
    held = session.connection().scalar(_RESERVE, values | {"expires_at": expires_at, "now": now})
    return held is not None


def release(session: Session, gateway_id: int, request_ids: Sequence[str]) -> None:
    """Delete the reservations of requests that have a stored event: the event counts instead."""
    if not session.connection().scalar(_HOLDS_ANY, {"gateway": gateway_id}):
        return
    for start in range(0, len(request_ids), _CHUNK):
        session.execute(
            delete(Reservation)
            .where(
                Reservation.gateway_id == gateway_id,
                Reservation.request_id.in_(request_ids[start : start + _CHUNK]),
                select(UsageEvent.id)
                .where(
                    UsageEvent.gateway_id == gateway_id,
                    UsageEvent.external_id == Reservation.request_id,
                    UsageEvent.account_id == Reservation.account_id,
                )
                .exists(),
            )
            .execution_options(synchronize_session=False)
        )


def drop_expired(session: Session, account_id: int, now: datetime) -> None:
    """Delete an account's expired reservations, which do not count."""
    session.connection().execute(_DROP_EXPIRED, {"account": account_id, "now": now})


# compiled once, since it runs before each request to a model
_RESERVE = text(
    """
    INSERT INTO reservations (gateway_id, request_id, account_id, tokens, expires_at)
    VALUES (:gateway_id, :request_id, :account_id, :tokens, :expires_at)
    ON CONFLICT (gateway_id, request_id) DO UPDATE
    SET account_id = excluded.account_id, tokens = excluded.tokens, expires_at = excluded.expires_at
    WHERE reservations.account_id = excluded.account_id OR reservations.expires_at <= :now
    RETURNING request_id
    """
).bindparams(_NOW, bindparam("expires_at", type_=Instant()))
_DROP_EXPIRED = delete(Reservation).where(
    Reservation.account_id == bindparam("account"), Reservation.expires_at <= _NOW
)
_HOLDS_ANY = select(select(Reservation.tokens).where(Reservation.gateway_id == bindparam("gateway")).exists())
