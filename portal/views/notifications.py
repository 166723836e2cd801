"""Where the portal reaches a person, and which topics it sends there."""

from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec

from sqlalchemy.orm import Session

from portal.db.notifications import choices_of, targets_of
from portal.db.outbox import last_test
from portal.rules.messages import Message
from portal.rules.notifications import Channel, Topic, host_of, topics_of
from portal.rules.outbox import State
from portal.settings import settings
from portal.words.stored_reasons import stored_sentence


@dataclass(frozen=True, slots=True)
class LastTest:
    """The state of the last test message on a channel; `error` is a sentence."""

    asked_at: datetime
    state: State
    error: Message | None


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel of a person: `host` is where it leads, None without an address; mails lead to the account's address.

    `is_available` is whether this portal can use the channel at all.
    """

    channel: Channel
    is_available: bool
    host: str | None
    test: LastTest | None

    @property
    def is_set_up(self) -> bool:
        """Whether messages reach somebody on it."""
        return self.is_available and self.host is not None


@dataclass(frozen=True, slots=True)
class TopicView:
    """A topic, and whether it is wanted on each channel; budget alerts by mail have their switch on Billing."""

    topic: Topic
    wanted: dict[Channel, bool]


@dataclass(frozen=True, slots=True)
class NotificationsView:
    """All channels, and the topics that a role may get."""

    channels: tuple[ChannelView, ...]
    topics: tuple[TopicView, ...]

    def channel(self, wanted: Channel) -> ChannelView:
        """Return one of the channels."""
        return next(each for each in self.channels if each.channel is wanted)


def load_notifications(session: Session, account_id: int, role: str, email: str) -> NotificationsView:
    """Return the channels and topics of an account."""
    targets, choices = targets_of(session, account_id), choices_of(session, account_id)
    hosts = {channel: host_of(target.url) for channel, target in targets.items()}
    if email:
        hosts[Channel.MAIL] = email
    channels = tuple(
        ChannelView(channel, _is_available(channel), hosts.get(channel), _last_test(session, account_id, channel))
        for channel in Channel
    )
    topics = tuple(
        TopicView(topic, {channel: choices[topic, channel] for channel in Channel if (topic, channel) in choices})
        for topic in topics_of(role)
    )
    return NotificationsView(channels, topics)


def _is_available(channel: Channel) -> bool:
    if channel is Channel.MAIL:
        return settings().mail_is_set_up
    return channel is Channel.WEBHOOK or (bool(settings().chat_services) and find_spec("apprise") is not None)


def _last_test(session: Session, account_id: int, channel: Channel) -> LastTest | None:
    found = last_test(session, account_id, channel)
    if found is None:
        return None
    return LastTest(found.created_at, State(found.state), stored_sentence(found.error) if found.error else None)
