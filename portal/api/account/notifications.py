"""Where the portal reaches the signed-in person, and which topics it sends there."""

from typing import Annotated, Literal

from fastapi import Depends
from pydantic import BaseModel, Field

from portal.actions.notifications import choose, clean_chat, remove_channel, send_test, set_chat, set_webhook
from portal.api.access import SESSION, Reading, Writing
from portal.api.bodies import NO_BODY, Body, JsonBody, body_documentation, strict_router
from portal.api.errors import answers
from portal.clock import utc_now
from portal.db.sql.session import run_in_transaction
from portal.rules.notifications import LONGEST_URL, Channel, Topic
from portal.views.notifications import ChannelView, NotificationsView, load_notifications
from portal.web.visitors import SignedIn
from portal.words import say

router = strict_router("Account", dependencies=[SESSION])

_PATH = "/user/api/notifications"
Address = Annotated[str, Field(min_length=1, max_length=LONGEST_URL)]
Own = Literal[Channel.WEBHOOK, Channel.CHAT]


class TestAnswer(BaseModel):
    """The last test message on a channel; `state` is queued, sent or failed."""

    __test__ = False  # pytest: this is not a test

    asked_at: str
    state: str
    error: str | None


class ChannelAnswer(BaseModel):
    """A channel; `host` is where it leads, for mails the address, null without one."""

    channel: Channel
    available: bool = Field(description="Whether this portal can use the channel")
    host: str | None
    test: TestAnswer | None

    @classmethod
    def of(cls, view: ChannelView) -> "ChannelAnswer":
        """Return a channel as JSON."""
        test = None
        if view.test is not None:
            error = say(view.test.error) if view.test.error else None
            test = TestAnswer(asked_at=view.test.asked_at.isoformat(), state=view.test.state, error=error)
        return cls(channel=view.channel, available=view.is_available, host=view.host, test=test)


class TopicAnswer(BaseModel):
    """A topic, and whether it is wanted on each channel; budget alerts by mail are in `/user/alerts`."""

    topic: Topic
    channels: dict[Channel, bool]


class NotificationsAnswer(BaseModel):
    """All channels, and the topics that the account may get."""

    channels: list[ChannelAnswer]
    topics: list[TopicAnswer]

    @classmethod
    def of(cls, view: NotificationsView) -> "NotificationsAnswer":
        """Return the notifications of an account as JSON."""
        return cls(
            channels=[ChannelAnswer.of(channel) for channel in view.channels],
            topics=[TopicAnswer(topic=each.topic, channels=each.wanted) for each in view.topics],
        )


class ChoiceBody(Body):
    """Whether a topic is wanted on a channel."""

    topic: Annotated[Topic, Field(strict=False)]  # a text in JSON
    channel: Annotated[Channel, Field(strict=False)]
    on: bool


class ChoicesBody(Body):
    """Choices to store; all others stay."""

    choices: Annotated[list[ChoiceBody], Field(min_length=1, max_length=len(Topic) * len(Channel))]


class AddressBody(Body):
    """The address of a webhook, or of a chat service in Apprise's notation."""

    url: Address


class WebhookAnswer(BaseModel):
    """The secret that signs the requests of a new webhook; it is shown only once."""

    secret: str


@router.get(_PATH, responses=answers(401))
def read_notifications(session: Reading, viewer: SignedIn) -> NotificationsAnswer:
    """Return the channels and topics of the account."""
    return NotificationsAnswer.of(load_notifications(session, viewer.id, viewer.role, viewer.email))


@router.put(_PATH, openapi_extra=body_documentation(ChoicesBody), responses=answers(401, 403, 415))
def write_notifications(
    session: Writing, viewer: SignedIn, new: Annotated[ChoicesBody, Depends(JsonBody(ChoicesBody))]
) -> NotificationsAnswer:
    """Store which topics are wanted on which channels."""
    chosen = {(each.topic, each.channel): each.on for each in new.choices}
    choose(session, viewer.actor, chosen, utc_now())
    return NotificationsAnswer.of(load_notifications(session, viewer.id, viewer.role, viewer.email))


@router.put(f"{_PATH}/webhook", openapi_extra=body_documentation(AddressBody), responses=answers(401, 403, 415))
def write_webhook(
    session: Writing, viewer: SignedIn, new: Annotated[AddressBody, Depends(JsonBody(AddressBody))]
) -> WebhookAnswer:
    """Set the address of the webhook; only this answer has the secret that signs its requests."""
    return WebhookAnswer(secret=set_webhook(session, viewer.actor, new.url, utc_now()))


@router.put(
    f"{_PATH}/chat", status_code=204, openapi_extra=body_documentation(AddressBody), responses=answers(401, 403, 415)
)
def write_chat(viewer: SignedIn, new: Annotated[AddressBody, Depends(JsonBody(AddressBody))]) -> None:
    """Set the address of the chat service, such as `ntfys://topic`. The check takes a second."""
    checked = clean_chat(new.url)
    run_in_transaction(set_chat, viewer.actor, checked, utc_now())


@router.delete(f"{_PATH}/{{channel}}", status_code=204, responses=answers(401, 403))
def delete_channel(session: Writing, viewer: SignedIn, channel: Own) -> None:
    """Remove the webhook or the chat service; what waits for it is not sent."""
    remove_channel(session, viewer.actor, channel, utc_now())


@router.post(
    f"{_PATH}/{{channel}}/test", status_code=204, dependencies=[NO_BODY], responses=answers(401, 403, 409, 415)
)
def test_channel(session: Writing, viewer: SignedIn, channel: Own) -> None:
    """Send a test message; the state of the last one is in the answer of the channels."""
    send_test(session, viewer.actor, channel, utc_now())
