"""Gateways and their tokens."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from portal.db.sql.upsert import insert
from portal.db.tables import Account, Gateway, GatewayToken, UsageEvent
from portal.rules.metering.reporters import NOTED_EVERY, OWN_MODE, OWN_REPORTS


class FirstEvent(NamedTuple):
    """The first usage event of a gateway; where `is_exact` is False there may be an earlier one."""

    model: str
    username: str
    received_at: datetime
    is_exact: bool = True


class UsableTokens(NamedTuple):
    """The unrevoked tokens of a gateway."""

    number: int
    newest_at: datetime


class RecentEvents(NamedTuple):
    """Events of a gateway; `lag` is the time from the request of the one stored last to its arrival here."""

    number: int
    lag: timedelta


MOST_SEARCHED = 1000
"""How many events of a gateway are searched for the first one."""


def gateway_with_token(session: Session, token_hash: str) -> Gateway | None:
    """Return the gateway that has an unrevoked token with this SHA-256 digest."""
    return session.scalar(
        select(Gateway)
        .join(GatewayToken, GatewayToken.gateway_id == Gateway.id)
        .where(GatewayToken.token_hash == token_hash, GatewayToken.revoked_at.is_(None))
    )


def gateway_named(session: Session, name: str) -> Gateway | None:
    """Return the gateway of this name."""
    return session.scalar(select(Gateway).where(Gateway.name == name))


def gateway(session: Session, gateway_id: int) -> Gateway | None:
    """Return the gateway with this id."""
    return session.get(Gateway, gateway_id)


def first_event(session: Session, gateway_id: int) -> FirstEvent | None:
    """Return the usage event of a gateway that was stored first; None before there is any.

    Only the first `MOST_SEARCHED` events in the order of `external_id` are searched: the unique index has that order.
    An index by gateway and time would make storing events slower. `is_exact` is false when the gateway has more.
    """
    of_gateway = select(UsageEvent.id).where(UsageEvent.gateway_id == gateway_id).order_by(UsageEvent.external_id)
    ids = session.scalars(of_gateway.limit(MOST_SEARCHED + 1)).all()
    if not ids:
        return None
    row = session.execute(
        select(UsageEvent.model, Account.username, UsageEvent.received_at)
        .join(Account, Account.id == UsageEvent.account_id)
        .where(UsageEvent.id == min(ids))
    ).one()
    return FirstEvent(*row, is_exact=len(ids) <= MOST_SEARCHED)


def usable_tokens(session: Session) -> dict[int, UsableTokens]:
    """Return the unrevoked tokens by gateway id; gateways without any are left out."""
    rows = session.execute(
        select(GatewayToken.gateway_id, func.count(), func.max(GatewayToken.id))
        .where(GatewayToken.revoked_at.is_(None))
        .group_by(GatewayToken.gateway_id)
    ).all()
    wanted = select(GatewayToken).where(GatewayToken.id.in_([row[2] for row in rows]))
    created = {token.id: token.created_at for token in session.scalars(wanted)}
    return {row[0]: UsableTokens(row[1], created[row[2]]) for row in rows}


def recent_events(session: Session, since: datetime) -> dict[int, RecentEvents]:
    """Return the stored events that were requested since an instant, by gateway id; gateways without any are left out.

    They are read in the index of time: the cost does not grow with the history.
    """
    rows = session.execute(
        select(UsageEvent.gateway_id, func.count(), func.max(UsageEvent.id))
        .where(UsageEvent.requested_at >= since)
        .group_by(UsageEvent.gateway_id)
    ).all()
    newest = {
        row.id: row.received_at - row.requested_at
        for row in session.execute(
            select(UsageEvent.id, UsageEvent.received_at, UsageEvent.requested_at).where(
                UsageEvent.id.in_(r[2] for r in rows)
            )
        )
    }
    return {row[0]: RecentEvents(row[1], newest[row[2]]) for row in rows}


def all_gateways(session: Session) -> list[Gateway]:
    """Return every gateway by name; for operators."""
    return list(session.scalars(select(Gateway).order_by(Gateway.name)))


def tokens_of(session: Session, gateway_id: int) -> list[GatewayToken]:
    """Return a gateway's tokens, oldest first."""
    return list(
        session.scalars(select(GatewayToken).where(GatewayToken.gateway_id == gateway_id).order_by(GatewayToken.id))
    )


def gateways_of(session: Session, owner_id: int) -> list[Gateway]:
    """Return the gateways that an account owns, the oldest first."""
    return list(session.scalars(select(Gateway).where(Gateway.owner_id == owner_id).order_by(Gateway.id)))


def add_gateway(session: Session, name: str, mode: str, now: datetime, owner_id: int | None = None) -> Gateway:
    """Store a new gateway; a taken name raises IntegrityError."""
    row = Gateway(name=name, mode=mode, created_at=now, owner_id=owner_id)
    session.add(row)
    session.flush()
    return row


def own_reports_gateway(session: Session, now: datetime) -> Gateway:
    """Return the gateway of reports that people send with their own keys; create it if it is missing."""
    found = gateway_named(session, OWN_REPORTS)
    if found is None:
        values = {"name": OWN_REPORTS, "mode": OWN_MODE, "created_at": now}
        session.execute(insert(session, Gateway).values(values).on_conflict_do_nothing(index_elements=["name"]))
        found = session.scalars(select(Gateway).where(Gateway.name == OWN_REPORTS)).one()
    return found


def note_reported(session: Session, gateway_id: int, now: datetime) -> None:
    """Store that a gateway reports now, unless that was stored less than `NOTED_EVERY` ago."""
    is_old = or_(Gateway.reported_at.is_(None), Gateway.reported_at <= now - NOTED_EVERY)
    session.execute(update(Gateway).where(Gateway.id == gateway_id, is_old).values(reported_at=now))


def add_token(session: Session, gateway_id: int, token_hash: str, prefix: str, now: datetime) -> GatewayToken:
    """Store a new token of a gateway by its digest; the older ones stay valid."""
    row = GatewayToken(gateway_id=gateway_id, token_hash=token_hash, prefix=prefix, created_at=now)
    session.add(row)
    session.flush()
    return row


def revoke_tokens(session: Session, gateway_id: int, now: datetime, *, prefix: str | None = None) -> int:
    """Revoke all tokens of a gateway, or only those with `prefix`; return how many."""
    wanted = [GatewayToken.gateway_id == gateway_id, GatewayToken.revoked_at.is_(None)]
    if prefix is not None:
        wanted.append(GatewayToken.prefix == prefix)
    done = session.execute(update(GatewayToken).where(*wanted).values(revoked_at=now))
    return int(done.rowcount)  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult
