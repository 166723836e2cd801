"""Gateways and their tokens."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.db.tables import Gateway, GatewayToken


def gateway_with_token(session: Session, token_hash: str) -> Gateway | None:
    """Return the gateway whose unrevoked token has this SHA-256 digest."""
    return session.scalar(
        select(Gateway)
        .join(GatewayToken, GatewayToken.gateway_id == Gateway.id)
        .where(GatewayToken.token_hash == token_hash, GatewayToken.revoked_at.is_(None))
    )


def gateway_named(session: Session, name: str) -> Gateway | None:
    """Return the gateway of this name."""
    return session.scalar(select(Gateway).where(Gateway.name == name))


def all_gateways(session: Session) -> list[Gateway]:
    """Return every gateway by name; for operators."""
    return list(session.scalars(select(Gateway).order_by(Gateway.name)))


def tokens_of(session: Session, gateway_id: int) -> list[GatewayToken]:
    """Return a gateway's tokens, oldest first."""
    return list(
        session.scalars(select(GatewayToken).where(GatewayToken.gateway_id == gateway_id).order_by(GatewayToken.id))
    )


def add_gateway(session: Session, name: str, mode: str, now: datetime) -> Gateway:
    """Store a new gateway; a taken name raises IntegrityError."""
    row = Gateway(name=name, mode=mode, created_at=now)
    session.add(row)
    session.flush()
    return row


def add_token(session: Session, gateway_id: int, token_hash: str, prefix: str, now: datetime) -> GatewayToken:
    """Store a new token of a gateway by its digest; the older ones stay valid."""
    row = GatewayToken(gateway_id=gateway_id, token_hash=token_hash, prefix=prefix, created_at=now)
    session.add(row)
    session.flush()
    return row


def revoke_tokens(session: Session, gateway_id: int, now: datetime, *, prefix: str | None = None) -> int:
    """Revoke a gateway's tokens, or those with a prefix; return how many."""
    wanted = [GatewayToken.gateway_id == gateway_id, GatewayToken.revoked_at.is_(None)]
    if prefix is not None:
        wanted.append(GatewayToken.prefix == prefix)
    done = session.execute(update(GatewayToken).where(*wanted).values(revoked_at=now))
    return int(done.rowcount)  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult
