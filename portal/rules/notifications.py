"""The topics that people and administrators are notified of, and the channels that carry them.

Decision: a topic is on for every channel by default, so whoever sets up a channel gets what it is for; each can be
switched off alone. Budget alerts by mail are the exception: they have their own switch on Billing, which is off at
first.
"""

from enum import StrEnum

from portal.rules.people.accounts import Role


class Channel(StrEnum):
    """The way a message reaches its reader."""

    MAIL = "mail"
    WEBHOOK = "webhook"
    CHAT = "chat"


class Topic(StrEnum):
    """The reason for a notification; the `kind` of its messages in the outbox."""

    ALERT = "alert"
    REQUEST = "budget_request"
    VERIFICATION = "verification"
    SILENT = "gateway_silent"
    UNPRICED = "unpriced"
    HELD = "held"
    GIVEN_UP = "given_up"


FOR_EVERYBODY = (Topic.ALERT, Topic.REQUEST)
FOR_ADMINISTRATORS = (Topic.VERIFICATION, Topic.SILENT, Topic.UNPRICED, Topic.HELD, Topic.GIVEN_UP)


def topics_of(role: str) -> tuple[Topic, ...]:
    """Return the topics that an account with this role may get."""
    return FOR_EVERYBODY + (FOR_ADMINISTRATORS if role == Role.ADMIN else ())
