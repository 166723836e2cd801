"""Queueing notifications on the channels that their readers have chosen, and changing these choices.

Decision: a notification is queued once for each channel, in the transaction that is the reason for it, and each channel
is tried on its own. An address that was removed or replaced since gets nothing: the sender reads the present one.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator, own_account
from portal.actions.fields import clean_field
from portal.channels.sending import Order, check_chat_is_installed, check_order
from portal.db.audit import add_entry
from portal.db.notifications import (
    Target,
    administrators,
    choices_of,
    installation_targets,
    remove_target,
    set_choice,
    set_target,
    targets_of,
)
from portal.db.outbox import NewMessage, add_message, drop_messages
from portal.db.tables import Account
from portal.errors import Conflict, InvalidInput, Unavailable
from portal.mails import Letter, brief, written
from portal.mails.operations import channel_test_letter
from portal.rules.messages import message
from portal.rules.notifications import Channel, Topic, clean_webhook_url, host_of, is_on_by_default, topics_of
from portal.rules.outbox import Kind, NotNow, Refused
from portal.rules.people.actors import Actor
from portal.rules.people.secrets import WEBHOOK_SECRET, new_secret
from portal.settings import settings
from portal.words.stored_reasons import stored_sentence

_REMOVED = "The address was removed or replaced."


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification in all languages; `values` are the facts for programs, which webhooks get."""

    topic: str
    letter: Letter
    values: Mapping[str, object]
    crossing_id: int | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """The account that gets notifications; without an `account_id` the channels of the settings."""

    account_id: int | None
    username: str
    display_name: str
    email: str
    language: str


def reader_of(account: Account) -> Reader:
    """Return an account as the reader of notifications."""
    return Reader(account.id, account.username, account.display_name, account.email, account.language)


INSTALLATION = Reader(None, "", "", "", "en")
"""The channels of the settings, for the notifications of administrators."""


def notify(session: Session, reader: Reader, notification: Notification, now: datetime) -> None:
    """Queue a notification on the channels that an account has switched on for its topic."""
    if settings().is_desktop or reader.account_id is None:
        return
    topic, choices = Topic(notification.topic), choices_of(session, reader.account_id)
    if choices.get((topic, Channel.MAIL)) and settings().mail_is_set_up and reader.email:
        queue(session, reader, Channel.MAIL, reader.email, notification, now)
    for channel, target in targets_of(session, reader.account_id).items():
        if choices[topic, channel]:
            queue(session, reader, channel, host_of(target.url), notification, now)


def notify_administrators(session: Session, write: Callable[[str], Notification], now: datetime) -> None:
    """Queue a notification for every active administrator and for the channels of the settings.

    `write` returns the notification for a language.
    """
    for account in administrators(session):
        notify(session, reader_of(account), write(account.language), now)
    for channel, target in installation_targets().items():
        queue(session, INSTALLATION, channel, host_of(target.url), write(INSTALLATION.language), now)


def queue(
    session: Session, reader: Reader, channel: Channel, recipient: str, notification: Notification, now: datetime
) -> str | None:
    """Queue a notification on one channel; return the reason if it cannot be sent."""
    if channel is Channel.MAIL:
        subject, text, html = written(notification.letter, reader.display_name, reader.language)
    else:
        subject, text = brief(notification.letter, reader.language)
        html = ""
    if channel is Channel.WEBHOOK:
        text = _body(reader, notification, subject, text, now)
    new = NewMessage(
        reader.account_id, notification.topic, recipient, subject, text, html, notification.crossing_id, channel
    )
    return add_message(session, new, now)


def _body(reader: Reader, notification: Notification, title: str, text: str, now: datetime) -> str:
    """Return the JSON of a webhook."""
    values = {
        "topic": notification.topic,
        "at": now.isoformat(),
        "username": reader.username or None,
        "title": title,
        "text": text,
        "link": notification.letter.link or None,
        "values": dict(notification.values),
    }
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def clean_webhook(url: str) -> str:
    """Return the address of a webhook as people may enter it. Raises InvalidInput."""

    def clean(text: str) -> str:
        return clean_webhook_url(text, private=settings().notify_private_addresses)

    return clean_field("webhook_url", clean, url)


def clean_chat(url: str) -> str:
    """Return the address of a chat service that may be used. Takes a second. Raises InvalidInput and MissingExtra."""
    check_chat_is_installed()
    text = url.strip()
    try:
        check_order(order_of(Channel.CHAT, text, is_private=settings().notify_private_addresses))
    except Refused as error:
        raise InvalidInput(stored_sentence(str(error)), "chat_url") from error
    except NotNow as error:
        raise Unavailable(stored_sentence(str(error))) from error
    return text


def order_of(channel: Channel, url: str, *, is_private: bool) -> Order:
    """Return the order for a message to an address, still without its content."""
    chosen = settings()
    return Order(channel, url, chosen.notify_timeout, is_private, services=tuple(sorted(chosen.chat_services)))


def set_webhook(session: Session, actor: Actor, url: str, now: datetime) -> str:
    """Set the address of the actor's webhook, and return the new secret that signs its requests, shown only once.

    Raises NotSignedIn and InvalidInput.
    """
    secret = new_secret(WEBHOOK_SECRET)
    _set(session, actor, Channel.WEBHOOK, Target(clean_webhook(url), secret), now)
    return secret


def set_chat(session: Session, actor: Actor, checked_url: str, now: datetime) -> None:
    """Set the address of the actor's chat service, which `clean_chat` has returned. Raises NotSignedIn."""
    _set(session, actor, Channel.CHAT, Target(checked_url, None), now)


def remove_channel(session: Session, actor: Actor, channel: Channel, now: datetime) -> None:
    """Remove the actor's webhook or chat service; what waits for it is given up. Raises NotSignedIn."""
    own = own_account(session, actor)
    remove_target(session, own.id, channel)
    drop_messages(session, own.id, _REMOVED, now, channel=channel)
    add_entry(session, actor, "notifications.remove", now, account_id=own.id, channel=channel)


def choose(session: Session, actor: Actor, chosen: Mapping[tuple[Topic, Channel], bool], now: datetime) -> None:
    """Store whether the actor wants topics on channels. Raises NotSignedIn, and InvalidInput for another's topics."""
    own = own_account(session, actor)
    before = choices_of(session, own.id)
    for (topic, channel), is_on in chosen.items():
        if topic not in topics_of(own.role):
            raise InvalidInput(message("Only administrators get these notifications."), "choices")
        if not is_on_by_default(topic, channel):
            raise InvalidInput(message("Mails about budgets are switched on and off on Billing."), "choices")
        set_choice(session, own.id, topic, channel, is_on)
    changed = {
        f"{topic}.{channel}": is_on for (topic, channel), is_on in chosen.items() if before[topic, channel] != is_on
    }
    if changed:
        add_entry(session, actor, "notifications.choose", now, account_id=own.id, changed=changed)


def send_test(session: Session, actor: Actor, channel: Channel, now: datetime) -> str:
    """Queue a test to the actor's webhook or chat service, and return its host.

    Raises NotSignedIn, and Conflict with the reason if nothing can be sent.
    """
    own = own_account(session, actor)
    target = targets_of(session, own.id).get(channel)
    if target is None:
        raise Conflict(message("There is no address to send it to."))
    test = Notification(Kind.TEST, channel_test_letter(settings().base_url or ""), {})
    host = host_of(target.url)
    reason = queue(session, reader_of(own), channel, host, test, now)
    if reason is not None:
        raise Conflict(stored_sentence(reason))
    add_entry(session, actor, "notifications.test", now, account_id=own.id, channel=channel)
    return host


def send_installation_test(session: Session, actor: Actor, channel: Channel, now: datetime) -> str:
    """Queue a test to the webhook or chat service of the settings, and return its host.

    Raises Forbidden, and Conflict with the reason if nothing can be sent.
    """
    check_administrator(session, actor)
    target = installation_targets().get(channel)
    if target is None:
        raise Conflict(message("There is no address to send it to."))
    test = Notification(Kind.TEST, channel_test_letter(settings().base_url or ""), {})
    host = host_of(target.url)
    reason = queue(session, INSTALLATION, channel, host, test, now)
    if reason is not None:
        raise Conflict(stored_sentence(reason))
    add_entry(session, actor, "notifications.test", now, channel=channel)
    return host


def _set(session: Session, actor: Actor, channel: Channel, target: Target, now: datetime) -> None:
    own = own_account(session, actor)
    set_target(session, own.id, channel, target, now)
    drop_messages(session, own.id, _REMOVED, now, channel=channel)
    add_entry(session, actor, "notifications.set", now, account_id=own.id, channel=channel, host=host_of(target.url))
