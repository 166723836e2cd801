"""Usage of an account by the gateway that reported it; for the programs of the desktop program's person."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db.tables import UsageEvent


class GatewayRequests(NamedTuple):
    """The number of requests of a gateway in one mode."""

    gateway_id: int
    mode: str
    requests: int


def requests_by_gateway(session: Session, account_id: int, since: datetime, until: datetime) -> list[GatewayRequests]:
    """Return an account's requests with `since <= requested_at < until`, by gateway and mode."""
    rows = session.execute(
        select(UsageEvent.gateway_id, UsageEvent.mode, func.count())
        .where(UsageEvent.account_id == account_id, UsageEvent.requested_at >= since, UsageEvent.requested_at < until)
        .group_by(UsageEvent.gateway_id, UsageEvent.mode)
    )
    return [GatewayRequests(*row) for row in rows]


def last_received(session: Session, account_id: int, gateway_id: int) -> datetime | None:
    """Return when the newest request of an account by a gateway arrived; None before there is any.

    The index by account and time is read from its end, so this is quick for a gateway that reports now and then. It
    reads all requests of the account if the gateway has none: ask `gateways.first_event` before.
    """
    newest = (
        select(UsageEvent.received_at)
        .where(UsageEvent.account_id == account_id, UsageEvent.gateway_id == gateway_id)
        .order_by(UsageEvent.requested_at.desc(), UsageEvent.id.desc())
    )
    return session.scalar(newest.limit(1))
