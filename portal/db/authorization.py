"""What decides whether a key may spend.

Decision: one statement answers it, so that all is of one moment: tokens that an event moves from what is held to what
is consumed are neither missing in between nor there twice. It is put together once, since this is asked before every
LLM request.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, String, bindparam, exists, func, or_, select

from portal.db.budgets import BUDGET, COUNTERS, limits_of, starts, with_counters
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
from portal.rules.authorization import Spent
from portal.rules.budgets import Limits


@dataclass(frozen=True, slots=True)
class Spender:
    """A known key and the account behind it, with all that counts for or against its spending.

    `cost_factor` is that of the account's active template, `template`; 1 without one.
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
class Asked:
    """Which gateway asks, and about whom; `spender` is None for a key that nobody has.

    `is_reported` says of the request asked about whether its event is stored, or was before it was pruned;
    `holds_expired` of the account whether anything is held for it whose time is over, which counts no longer.
    """

    gateway_id: int
    spender: Spender | None
    is_reported: bool
    holds_expired: bool


def asked_about(
    connection: Connection, token_hash: str, key_hash: str, day: date, now: datetime, *, but: str | None = None
) -> Asked | None:
    """Return what decides about a key, for the gateway whose unrevoked token this is; None if it is no gateway's.

    Secrets are looked for by their SHA-256. `day` is today in the budget time zone. `but` is the request of that same
    gateway which is asked about; what is held for it is left out.
    """
    values = {"token_hash": token_hash, "key_hash": key_hash, "now": now, "but": but or ""} | starts(day)
    row = connection.execute(_QUESTION, values).first()
    if row is None:
        return None
    spender = None if row.key_id is None else _spender(row)
    return Asked(row.gateway_id, spender, bool(row.is_reported), bool(row.holds_expired))


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


_NOW, _BUT = bindparam("now", type_=Instant()), bindparam("but", type_=String())
_HELD = (
    select(func.coalesce(func.sum(Reservation.tokens), 0))
    .where(
        Reservation.account_id == ApiKey.account_id,
        Reservation.expires_at > _NOW,
        or_(Reservation.gateway_id != GatewayToken.gateway_id, Reservation.request_id != _BUT),
    )
    .correlate(ApiKey, GatewayToken)
    .scalar_subquery()
)
_HOLDS_EXPIRED = exists().where(Reservation.account_id == ApiKey.account_id, Reservation.expires_at <= _NOW)
_IS_REPORTED = or_(
    *(
        exists().where(events.gateway_id == GatewayToken.gateway_id, events.external_id == _BUT)
        for events in (UsageEvent, PrunedEvent)
    )
)

_QUESTION = with_counters(
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
