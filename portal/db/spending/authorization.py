"""The facts that decide whether a key may spend, and tokens that are reserved for requests.

Decision: one statement reads all facts, so that they belong to the same moment: tokens that an event moves from
reserved to consumed are neither missing nor counted twice. It is compiled once, since it runs before every LLM request.

Decision: whoever reserves tokens locks the account, then its team, and reads the facts again. The account's lock covers
its keys and its place in a team, since moving it locks the account too. A team with limits is locked FOR NO KEY UPDATE,
so that its members reserve one after the other; a team without limits FOR KEY SHARE, so that they do not wait. Storing
usage waits for neither: it locks teams FOR KEY SHARE, in any order. Setting the limits of a team waits for both with
`lock_team`; so that nobody waits in a ring, it locks no account except that of its actor, and that before the team.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Label,
    Row,
    String,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Session, aliased

from portal.db.people.accounts import lock_account
from portal.db.spending.budgets import (
    BUDGET,
    COUNTERS,
    KEY_COUNTERS,
    in_period,
    limits_of,
    starts,
    with_counters,
    with_key_counters,
)
from portal.db.sql.frequent import FrequentStatement
from portal.db.sql.types import Instant
from portal.db.tables import (
    Account,
    ApiKey,
    Budget,
    ExpertTemplate,
    GatewayToken,
    KeyBudget,
    PrunedEvent,
    Reservation,
    Team,
    TeamCounter,
    UsageEvent,
)
from portal.rules.periods import Period
from portal.rules.spending.authorization import BudgetOwner, BudgetState, Spent
from portal.rules.spending.budgets import Limits

_CHUNK = 400


@dataclass(frozen=True, slots=True)
class Spender:
    """A known key and its account, with the budgets that decide about spending: those of key, account and team.

    A key or a team without limits has no budget here. `cost_factor` is the factor of the account's active template,
    `template`; 1 without one. `team_is_active` is true without a team.
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
    team_id: int | None
    team_is_active: bool
    budgets: tuple[BudgetState, ...]


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
    row = _CONTEXT.execute(connection, values).first()
    if row is None:
        return None
    spender = None if row.key_id is None else _spender(row)
    return AuthorizationContext(row.gateway_id, spender, bool(row.is_reported), bool(row.holds_expired))


def _spender(row: Row[*tuple[Any, ...]]) -> Spender:
    used = {period: getattr(row, f"account_used_{period}") or 0 for period in Period}
    account = BudgetState(BudgetOwner.ACCOUNT, limits_of(row), Spent(used, int(row.account_reserved)))
    key = () if row.has_key_budget is None else (_state(row, BudgetOwner.KEY),)
    team = () if row.team_id is None else (_state(row, BudgetOwner.TEAM),)
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
        team_id=row.team_id,
        team_is_active=row.team_is_active is not False,
        budgets=(*key, account, *team),
    )


def _state(row: Row[*tuple[Any, ...]], owner: BudgetOwner) -> BudgetState:
    """Return the budget of a key or a team from a row with the columns `_columns_of`."""
    limits = Limits(*(getattr(row, f"{owner}_{period}") for period in Period))
    used = {period: getattr(row, f"{owner}_used_{period}") or 0 for period in Period}
    return BudgetState(owner, limits, Spent(used, int(getattr(row, f"{owner}_reserved"))))


_NOW, _REQUEST = bindparam("now", type_=Instant()), bindparam("request", type_=String())
_TEAM_COUNTERS = {period: aliased(TeamCounter, name=f"team_counter_{period}") for period in Period}


def _reserved(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    """Return the tokens of the reservations that count against this request and fulfil some conditions."""
    return (
        select(func.coalesce(func.sum(Reservation.tokens), 0))
        .where(
            *conditions,
            Reservation.expires_at > _NOW,
            or_(Reservation.gateway_id != GatewayToken.gateway_id, Reservation.request_id != _REQUEST),
        )
        .correlate(ApiKey, GatewayToken, Team)
        .scalar_subquery()
    )


def _used(owner: BudgetOwner, counters: Mapping[Period, Any]) -> list[Label[int]]:
    return [counter.tokens.label(f"{owner}_used_{period}") for period, counter in counters.items()]


def _columns_of(owner: BudgetOwner, table: Any, counters: Mapping[Period, Any], reserved: Any) -> list[Label[Any]]:
    """Return the columns of the budget of a key or a team, named after `owner`; without limits it has no sums."""
    limits = [getattr(table, period.value).label(f"{owner}_{period}") for period in Period]
    is_limited = or_(*(getattr(table, period.value).is_not(None) for period in Period))
    return [*limits, *_used(owner, counters), case((is_limited, reserved), else_=0).label(f"{owner}_reserved")]


_OF_ACCOUNT = Reservation.account_id == ApiKey.account_id
_HOLDS_EXPIRED = exists().where(Reservation.account_id == ApiKey.account_id, Reservation.expires_at <= _NOW)
_IS_REPORTED = or_(
    *(
        exists().where(events.gateway_id == GatewayToken.gateway_id, events.external_id == _REQUEST)
        for events in (UsageEvent, PrunedEvent)
    )
)

_ACCOUNTS = with_counters(
    select(
        GatewayToken.gateway_id,
        ApiKey.id.label("key_id"),
        ApiKey.account_id,
        ApiKey.expires_at,
        ApiKey.revoked_at,
        ApiKey.last_used_at,
        Account.username,
        Account.active,
        Account.team_id,
        Team.active.label("team_is_active"),
        KeyBudget.api_key_id.label("has_key_budget"),
        ExpertTemplate.name.label("template"),
        ExpertTemplate.cost_factor,
        *BUDGET,
        *_used(BudgetOwner.ACCOUNT, COUNTERS),
        _reserved(_OF_ACCOUNT).label("account_reserved"),
        *_columns_of(
            BudgetOwner.KEY, KeyBudget, KEY_COUNTERS, _reserved(_OF_ACCOUNT, Reservation.api_key_id == ApiKey.id)
        ),
        *_columns_of(BudgetOwner.TEAM, Team, _TEAM_COUNTERS, _reserved(Reservation.team_id == Team.id)),
        _IS_REPORTED.label("is_reported"),
        _HOLDS_EXPIRED.label("holds_expired"),
    )
    .select_from(GatewayToken)
    .outerjoin(ApiKey, ApiKey.key_hash == bindparam("key_hash"))
    .outerjoin(Account, Account.id == ApiKey.account_id)
    .outerjoin(ExpertTemplate, ExpertTemplate.id == Account.template_id)
    .outerjoin(Budget, Budget.account_id == Account.id)
    .outerjoin(KeyBudget, KeyBudget.api_key_id == ApiKey.id)
    .outerjoin(Team, Team.id == Account.team_id)
)
_EVERYTHING = with_key_counters(_ACCOUNTS)
for _period, _counter in _TEAM_COUNTERS.items():
    _EVERYTHING = _EVERYTHING.outerjoin(_counter, and_(_counter.team_id == Team.id, in_period(_counter, _period)))
_CONTEXT = FrequentStatement(
    _EVERYTHING.where(GatewayToken.token_hash == bindparam("token_hash"), GatewayToken.revoked_at.is_(None))
)


# Reservations


def lock_spender(session: Session, account_id: int) -> None:
    """Lock an account and its team until the transaction ends, to reserve tokens in the budgets of both."""
    team_id = lock_account(session, account_id)
    if team_id is None:
        return
    limits = session.connection().execute(_KEEP_TEAM, {"team": team_id}).first()
    if limits is not None and any(limit is not None for limit in limits):
        session.connection().execute(_LOCK_LIMITED_TEAM, {"team": team_id})


def lock_team(session: Session, team_id: int) -> None:
    """Lock a team against reservations and the storing of usage until the transaction ends.

    Setting limits of a team begins with this lock, after `active_account` for the actor, since the audit entry refers
    to that row. The transaction locks no other account (see the top of this module).
    """
    session.connection().execute(_LOCK_TEAM, {"team": team_id})


def reserve(
    session: Session,
    gateway_id: int,
    request_id: str,
    spender: Spender,
    tokens: int,
    expires_at: datetime,
    now: datetime,
) -> bool:
    """Reserve billable tokens for a request; this replaces an earlier reservation of the request.

    Returns False, and reserves nothing, while another account has a reservation under this id.
    """
    values = {
        "gateway_id": gateway_id,
        "request_id": request_id,
        "tokens": tokens,
        "expires_at": expires_at,
        "now": now,
    }
    of = {"account_id": spender.account_id, "api_key_id": spender.key_id, "team_id": spender.team_id}
    held = session.connection().scalar(_RESERVE, values | of)
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
    INSERT INTO reservations (gateway_id, request_id, account_id, api_key_id, team_id, tokens, expires_at)
    VALUES (:gateway_id, :request_id, :account_id, :api_key_id, :team_id, :tokens, :expires_at)
    ON CONFLICT (gateway_id, request_id) DO UPDATE
    SET account_id = excluded.account_id, api_key_id = excluded.api_key_id, team_id = excluded.team_id,
        tokens = excluded.tokens, expires_at = excluded.expires_at
    WHERE reservations.account_id = excluded.account_id OR reservations.expires_at <= :now
    RETURNING request_id
    """
).bindparams(_NOW, bindparam("expires_at", type_=Instant()))
_DROP_EXPIRED = delete(Reservation).where(
    Reservation.account_id == bindparam("account"), Reservation.expires_at <= _NOW
)
_HOLDS_ANY = select(select(Reservation.tokens).where(Reservation.gateway_id == bindparam("gateway")).exists())
_TEAM = Team.id == bindparam("team")
_KEEP_TEAM = select(Team.daily, Team.monthly, Team.total).where(_TEAM).with_for_update(read=True, key_share=True)
_LOCK_LIMITED_TEAM = select(Team.id).where(_TEAM).with_for_update(key_share=True)
_LOCK_TEAM = select(Team.id).where(_TEAM).with_for_update()
