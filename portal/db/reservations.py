"""Reservations: tokens that a gateway was allowed and has not reported yet.

Decision: one belongs to the account that made it. The same id from the same gateway for somebody else takes it over
only after its time, since ids are sometimes chosen by clients, and nobody may set another's tokens free.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, bindparam, delete, func, not_, or_, select
from sqlalchemy.orm import Session

from portal.db.tables import PrunedEvent, Reservation, UsageEvent
from portal.db.upserts import insert

_CHUNK = 400
_HOLDS_ANY = select(select(Reservation.tokens).where(Reservation.gateway_id == bindparam("gateway")).exists())


def reserved_tokens(session: Session, account_id: int, now: datetime, *, but: tuple[int, str] | None = None) -> int:
    """Return the billable tokens held for an account at `now`, but those of one (gateway id, request id)."""
    wanted = select(func.coalesce(func.sum(Reservation.tokens), 0)).where(
        Reservation.account_id == account_id, Reservation.expires_at > now
    )
    if but is not None:
        wanted = wanted.where(not_(and_(Reservation.gateway_id == but[0], Reservation.request_id == but[1])))
    return int(session.scalar(wanted) or 0)


def is_reported(session: Session, gateway_id: int, request_id: str) -> bool:
    """Say whether the event of a request is stored, or was before it was pruned."""
    stored = select(UsageEvent.id).where(UsageEvent.gateway_id == gateway_id, UsageEvent.external_id == request_id)
    pruned = select(PrunedEvent.gateway_id).where(
        PrunedEvent.gateway_id == gateway_id, PrunedEvent.external_id == request_id
    )
    return bool(session.scalar(select(or_(stored.exists(), pruned.exists()))))


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
    statement = insert(session, Reservation).values(
        gateway_id=gateway_id, request_id=request_id, account_id=account_id, tokens=tokens, expires_at=expires_at
    )
    statement = statement.on_conflict_do_update(
        index_elements=["gateway_id", "request_id"],
        set_={name: statement.excluded[name] for name in ("account_id", "tokens", "expires_at")},
        where=or_(Reservation.account_id == account_id, Reservation.expires_at <= now),
    )
    return session.scalar(statement.returning(Reservation.request_id)) is not None


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
    session.execute(delete(Reservation).where(Reservation.account_id == account_id, Reservation.expires_at <= now))
