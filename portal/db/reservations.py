"""Reservations: tokens that a gateway was allowed and has not reported yet.

Decision: one belongs to the account that made it. The same id from the same gateway for somebody else takes it over
only after its time, since ids are sometimes chosen by clients, and nobody may set another's tokens free.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, bindparam, delete, func, not_, select, text
from sqlalchemy.orm import Session

from portal.db.sql.types import Instant
from portal.db.tables import Reservation, UsageEvent

_CHUNK = 400
_NOW = bindparam("now", type_=Instant())
_HOLDS_ANY = select(select(Reservation.tokens).where(Reservation.gateway_id == bindparam("gateway")).exists())


def reserved_tokens(session: Session, account_id: int, now: datetime, *, but: tuple[int, str] | None = None) -> int:
    """Return the billable tokens held for an account at `now`, but those of one (gateway id, request id)."""
    wanted = select(func.coalesce(func.sum(Reservation.tokens), 0)).where(
        Reservation.account_id == account_id, Reservation.expires_at > now
    )
    if but is not None:
        wanted = wanted.where(not_(and_(Reservation.gateway_id == but[0], Reservation.request_id == but[1])))
    return int(session.scalar(wanted) or 0)


def reserve(
    session: Session,
    gateway_id: int,
    request_id: str,
    account_id: int,
    tokens: int,
    expires_at: datetime,
    now: datetime,
) -> bool:
    """Hold billable tokens for a request, in place of what was held for it before.

    False, and nothing is held, while another account has tokens held under this id.
    """
    values = {"gateway_id": gateway_id, "request_id": request_id, "account_id": account_id, "tokens": tokens}
    held = session.connection().scalar(_RESERVE, values | {"expires_at": expires_at, "now": now})
    return held is not None


def release(session: Session, gateway_id: int, request_ids: Sequence[str]) -> None:
    """Hold nothing any longer for requests whose events have just been stored, and so are counted themselves."""
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
    """Delete an account's reservations whose time is over; they count no longer anyway."""
    session.connection().execute(_DROP_EXPIRED, {"account": account_id, "now": now})


# Put together once, since each request of a model holds tokens first.
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
