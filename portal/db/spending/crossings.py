"""Crossings: warnings that a budget reached a threshold, and the accounts that get them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select, update
from sqlalchemy.orm import Session

from portal.db import tables
from portal.db.spending.budgets import BUDGET, COUNTERS, limits_of, starts, with_counters
from portal.db.sql.upsert import insert
from portal.db.tables import Account, Budget, Crossing, OutboxMessage
from portal.rules.notifications import Channel
from portal.rules.periods import Period, period_start
from portal.rules.spending.alerts import DEFAULT_THRESHOLD, FULL, CrossingKind
from portal.rules.spending.budgets import Limits


@dataclass(frozen=True, slots=True)
class AlertAccount:
    """An account with a budget: its usage, the percentages at which it is warned (`chosen`), and its address.

    `wants_mail` is whether the account has switched alerts on; they go to `email`.
    """

    account_id: int
    username: str
    display_name: str
    email: str
    language: str
    time_zone: str | None
    limits: Limits
    used: Mapping[Period, int]
    chosen: tuple[int | None, int | None]
    wants_mail: bool


class NewCrossing(NamedTuple):
    """A crossing that may have been stored before; `threshold` is None for a forecast."""

    account_id: int
    period: Period
    start: date
    kind: CrossingKind
    threshold: int | None
    consumed: int
    limit: int


def alert_accounts(session: Session, account_ids: Collection[int], day: date, now: datetime) -> list[AlertAccount]:
    """Return the accounts with these ids that have a budget, with their usage in the periods that contain a day."""
    settings = tables.AlertSettings
    query = with_counters(
        select(
            Account,
            settings.enabled,
            settings.threshold_percent,
            settings.second_threshold_percent,
            settings.email,
            *BUDGET,
            *(counter.tokens for counter in COUNTERS.values()),
        )
        .join(Budget, Budget.account_id == Account.id)
        .outerjoin(settings, settings.account_id == Account.id)
    )
    rows = session.execute(query.where(Account.id.in_(sorted(account_ids))), starts(day) | {"now": now})
    return [_alert_account(row) for row in rows]


def _alert_account(row: Any) -> AlertAccount:
    first = DEFAULT_THRESHOLD if row.threshold_percent is None else row.threshold_percent
    return AlertAccount(
        account_id=row.Account.id,
        username=row.Account.username,
        display_name=row.Account.display_name,
        email=row.email or row.Account.email,
        language=row.Account.language,
        time_zone=row.Account.time_zone,
        limits=limits_of(row),
        used={period: used or 0 for period, used in zip(COUNTERS, row[-len(COUNTERS) :], strict=True)},
        chosen=(first, row.second_threshold_percent),
        wants_mail=bool(row.enabled),
    )


class KnownCrossing(NamedTuple):
    """The key of a stored crossing of a threshold, within the current periods."""

    account_id: int
    period: Period
    threshold: int
    limit: int


def known_crossings(session: Session, account_ids: Collection[int], day: date) -> set[KnownCrossing]:
    """Return the thresholds that accounts have crossed already in the periods that contain a day."""
    first = {period_start(period, day) for period in Period}
    rows = session.execute(
        select(Crossing.account_id, Crossing.period, Crossing.threshold, Crossing.limit, Crossing.start).where(
            Crossing.account_id.in_(sorted(account_ids)),
            Crossing.start.in_(sorted(first)),
            Crossing.kind == CrossingKind.THRESHOLD,
        )
    )
    return {
        KnownCrossing(row.account_id, Period(row.period), row.threshold, row.limit)
        for row in rows
        if row.start == period_start(Period(row.period), day)
    }


def add_crossing(session: Session, new: NewCrossing, now: datetime, *, is_read: bool = False) -> int | None:
    """Store a crossing and return its id; None if it was stored before. `is_read` marks it as seen by the account."""
    values = new._asdict() | {"crossed_at": now, "read_at": now if is_read else None}
    stored = session.execute(
        insert(session, Crossing).values(values).on_conflict_do_nothing().returning(Crossing.__table__.c.id)
    ).first()
    return None if stored is None else int(stored[0])


def crossings(session: Session, account_id: int, limit: int) -> Sequence[Crossing]:
    """Return an account's crossings, newest first."""
    wanted = select(Crossing).where(Crossing.account_id == account_id)
    return session.scalars(wanted.order_by(Crossing.id.desc()).limit(limit)).all()


def full_since(session: Session, account_id: int, day: date) -> dict[tuple[Period, int], datetime]:
    """Return when the budgets of the periods that contain a day were first found used up, by period and limit."""
    rows = session.execute(
        select(Crossing.period, Crossing.start, Crossing.limit, func.min(Crossing.crossed_at))
        .where(Crossing.account_id == account_id, Crossing.threshold == FULL)
        .where(Crossing.start.in_(sorted({period_start(period, day) for period in Period})))
        .group_by(Crossing.period, Crossing.start, Crossing.limit)
    )
    return {
        (Period(period), limit): at for period, start, limit, at in rows if start == period_start(Period(period), day)
    }


class AlertWithMail(NamedTuple):
    """A crossing, with the state and the error of its mail; both None where no mail was queued."""

    crossing: Crossing
    mail_state: str | None
    mail_error: str | None


def alerts_with_mail(session: Session, account_id: int, limit: int) -> list[AlertWithMail]:
    """Return an account's crossings with the state of their mails, newest first."""
    is_its_mail = (OutboxMessage.crossing_id == Crossing.id) & (OutboxMessage.channel == Channel.MAIL)
    wanted = select(Crossing, OutboxMessage.state, OutboxMessage.error).outerjoin(OutboxMessage, is_its_mail)
    newest = wanted.where(Crossing.account_id == account_id).order_by(Crossing.id.desc()).limit(limit)
    return [AlertWithMail(row[0], row[1], row[2]) for row in session.execute(newest)]


def is_any_to_notify(connection: Connection, username: str, since: datetime) -> bool:
    """Return whether this account has a crossing since `since` that was neither seen nor shown as a notification."""
    return connection.execute(select(Crossing.id).where(*_to_notify(username, since)).limit(1)).first() is not None


def claim_to_notify(session: Session, username: str, since: datetime, now: datetime) -> list[Crossing]:
    """Return the crossings that `is_any_to_notify` finds, oldest first, and mark them; no later call returns them."""
    due = select(Crossing).where(*_to_notify(username, since)).order_by(Crossing.id).with_for_update()
    found = list(session.scalars(due))
    for row in found:
        row.notified_at = now
    return found


def _to_notify(username: str, since: datetime) -> tuple[ColumnElement[bool], ...]:
    own = select(Account.id).where(Account.username == username).scalar_subquery()
    is_new = Crossing.notified_at.is_(None) & Crossing.read_at.is_(None)
    return Crossing.account_id == own, Crossing.crossed_at >= since, is_new


def count_unread(session: Session, account_id: int) -> int:
    """Return how many crossings an account has not seen."""
    unread = select(func.count()).where(Crossing.account_id == account_id, Crossing.read_at.is_(None))
    return session.scalar(unread) or 0


def mark_read(session: Session, account_id: int, last_id: int, now: datetime) -> None:
    """Mark the crossings of an account as seen, up to the one with `last_id`."""
    unread = Crossing.account_id == account_id, Crossing.id <= last_id, Crossing.read_at.is_(None)
    session.execute(update(Crossing).where(*unread).values(read_at=now))
