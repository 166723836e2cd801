"""What an administrator does with gateways on the pages."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.actions.administration import new_gateway, new_token, revoke_gateway_tokens, rotate_gateway_token
from portal.db.accounts import administrator
from portal.db.gateways import gateway
from portal.db.tables import Gateway
from portal.errors import Forbidden, NotFound


@dataclass(frozen=True, slots=True)
class NewGateway:
    """A gateway with its first token, which is shown exactly once; None where its usage is imported."""

    id: int
    name: str
    token: str | None


def connect_gateway(
    session: Session, admin_id: int, name: str, mode: str, now: datetime, *, with_token: bool = True
) -> NewGateway:
    """Create a gateway for an administrator. Raises Forbidden, InvalidInput, and Conflict for a taken name."""
    actor = _actor(session, admin_id)
    made = new_gateway(session, actor, name, now, mode)
    return NewGateway(made.id, made.name, new_token(session, actor, made, now) if with_token else None)


def new_gateway_token(session: Session, admin_id: int, gateway_id: int, now: datetime) -> str:
    """Return one more token of a gateway, which is shown once; the older ones stay valid.

    Raises Forbidden, NotFound, and InvalidInput where there can be none.
    """
    actor = _actor(session, admin_id)
    return rotate_gateway_token(session, actor, _gateway(session, gateway_id).name, now)


def end_gateway_token(session: Session, admin_id: int, gateway_id: int, prefix: str, now: datetime) -> None:
    """Revoke a token of a gateway at once and for ever; again is fine. Raises Forbidden and NotFound."""
    actor = _actor(session, admin_id)
    revoke_gateway_tokens(session, actor, _gateway(session, gateway_id).name, prefix, now)


def _actor(session: Session, admin_id: int) -> str:
    admin = administrator(session, admin_id)
    if admin is None:
        raise Forbidden
    return admin.username


def _gateway(session: Session, gateway_id: int) -> Gateway:
    row = gateway(session, gateway_id)
    if row is None:
        raise NotFound("There is no such gateway.")
    return row
