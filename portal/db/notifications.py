"""The channels and topics that people have chosen, and what administrators were notified of already."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from portal.db.sql.upsert import insert, upsert
from portal.db.tables import (
    Account,
    Gateway,
    GatewayToken,
    HeldEvent,
    NotificationChannel,
    NotificationChoice,
    NotificationMark,
    OutboxMessage,
    UsageEvent,
)
from portal.rules.notifications import FOR_ADMINISTRATORS, Channel, Topic, is_on_by_default
from portal.rules.outbox import Kind, State
from portal.rules.people.accounts import Role
from portal.settings import settings

_WATCH = "watch"
_NOT_WATCHED = (*FOR_ADMINISTRATORS, Kind.TEST)
"""Kinds of messages that cause no notification when they are given up: it would fail in the same way."""


class Target(NamedTuple):
    """The address of a webhook or chat service, and the secret that signs the requests of a webhook."""

    url: str
    secret: str | None


class Latest(NamedTuple):
    """How many rows need an administrator, and the newest of them, as text; "" without any."""

    number: int
    newest: str


def targets_of(session: Session, account_id: int) -> dict[Channel, Target]:
    """Return the webhook and the chat service of an account."""
    table = NotificationChannel
    rows = session.execute(select(table.channel, table.url, table.secret).where(table.account_id == account_id))
    return {Channel(channel): Target(url, secret) for channel, url, secret in rows}


def installation_targets() -> dict[Channel, Target]:
    """Return the webhook and the chat service of the settings."""
    url, secret, chat = (
        value.get_secret_value() if value else ""
        for value in (settings().notify_webhook_url, settings().notify_webhook_secret, settings().notify_chat_url)
    )
    found = {Channel.WEBHOOK: Target(url, secret)} if url else {}
    return found | ({Channel.CHAT: Target(chat, None)} if chat else {})


def set_target(session: Session, account_id: int, channel: Channel, target: Target, now: datetime) -> None:
    """Set the address of a channel."""
    key = {"account_id": account_id, "channel": channel}
    upsert(session, NotificationChannel, key, target._asdict() | {"updated_at": now})


def remove_target(session: Session, account_id: int, channel: Channel) -> None:
    """Remove the address of a channel."""
    table = NotificationChannel
    session.execute(delete(table).where(table.account_id == account_id, table.channel == channel))


def choices_of(session: Session, account_id: int) -> dict[tuple[Topic, Channel], bool]:
    """Return whether an account wants each topic on each channel, except budget alerts by mail."""
    table = NotificationChoice
    rows = session.execute(select(table.topic, table.channel, table.is_on).where(table.account_id == account_id))
    stored = {(topic, channel): is_on for topic, channel, is_on in rows}
    every = ((topic, channel) for topic in Topic for channel in Channel)
    return {key: stored.get(key, True) for key in every if is_on_by_default(*key)}


def set_choice(session: Session, account_id: int, topic: Topic, channel: Channel, is_on: bool) -> None:
    """Store whether an account wants a topic on a channel."""
    key = {"account_id": account_id, "topic": topic, "channel": channel}
    upsert(session, NotificationChoice, key, {"is_on": is_on})


def administrators(session: Session) -> Sequence[Account]:
    """Return the active administrators in the order of their ids."""
    active = select(Account).where(Account.role == Role.ADMIN, Account.active.is_(True))
    return session.scalars(active.order_by(Account.id)).all()


def lock_marks(session: Session, now: datetime) -> dict[str, NotificationMark]:
    """Return what administrators were notified of, by name; no other process gets it until the transaction ends."""
    first = insert(session, NotificationMark).values(name=_WATCH, value="", at=now)
    session.execute(first.on_conflict_do_nothing(index_elements=["name"]))
    session.execute(select(NotificationMark).where(NotificationMark.name == _WATCH).with_for_update())
    return {mark.name: mark for mark in session.scalars(select(NotificationMark))}


def set_mark(session: Session, name: str, value: str, now: datetime) -> None:
    """Store that administrators were notified of the state `value` of a subject."""
    upsert(session, NotificationMark, {"name": name}, {"value": value, "at": now})


def unpriced_latest(session: Session) -> Latest:
    """Return how many events have no cost, and the id of the newest."""
    return _latest(
        session,
        select(func.count(), func.max(UsageEvent.id)).where(UsageEvent.cost_nano_eur.is_(None)),
    )


def held_latest(session: Session) -> Latest:
    """Return how many events are held, and the id of the newest."""
    return _latest(
        session,
        select(func.count(), func.max(HeldEvent.id)).where(HeldEvent.resolved_at.is_(None)),
    )


def given_up_since(session: Session, since: datetime) -> int:
    """Return how many messages were given up after an instant although they were tried."""
    failed = OutboxMessage.state == State.FAILED, OutboxMessage.tries > 0, OutboxMessage.finished_at > since
    return session.scalar(select(func.count()).where(*failed, OutboxMessage.kind.not_in(_NOT_WATCHED))) or 0


def _latest(session: Session, query: Select[int, int | None]) -> Latest:
    number, newest = session.execute(query).one()
    return Latest(number, "" if newest is None else str(newest))


def silent_gateways(session: Session, since: datetime, oldest: datetime) -> list[tuple[int, str, datetime]]:
    """Return id, name and last report of the gateways that reported last between `oldest` and `since`.

    Gateways without a valid token are left out: they can't report.
    """
    has_token = select(GatewayToken.id).where(GatewayToken.gateway_id == Gateway.id, GatewayToken.revoked_at.is_(None))
    rows = session.execute(
        select(Gateway.id, Gateway.name, Gateway.reported_at)
        .where(Gateway.reported_at.between(oldest, since), has_token.exists())
        .order_by(Gateway.id)
    )
    return [(row.id, row.name, row.reported_at) for row in rows]
