"""Limits of messages: how many an account gets, and for how long and how often the portal tries to send one.

Source: RFC 5321, 4.5.4.1: a sender tries again, with growing pauses, for some days. An alert is useful for two days.
"""

from datetime import datetime, timedelta
from enum import StrEnum

TRIED_FOR = timedelta(hours=48)
"""The portal tries to send a message for this long after it was written."""
LINK_LASTS = timedelta(minutes=30)
"""A link for a forgotten password works for this long; after that its mail is not sent."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
MAILS_A_DAY = 20
"""Most mails that an account gets on one day (UTC)."""
MESSAGES_A_DAY = 200
"""Most messages that an account gets by webhook, and by chat, on one day (UTC)."""
LINKS_A_DAY = 10
"""Most of these mails that have a link for a forgotten password: strangers can request them, and alerts need room."""


class Kind(StrEnum):
    """The subject of a message that is not the topic of a notification; `ALERT` is both."""

    ALERT = "alert"
    TEST = "test"
    RESET = "reset"
    LINK = "password link"
    NOTICE = "notice"


def may_repeat(kind: str) -> bool:
    """Return whether the text of a message that was given up is kept, so that an administrator can send it again.

    Links to passwords expire, and a test is asked for again.
    """
    return kind not in (Kind.RESET, Kind.LINK, Kind.TEST)


class State(StrEnum):
    """Whether a message waits, was sent, or was given up."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class Refused(Exception):
    """The receiver will never accept this message; the text of the error is a sentence, or the server's answer."""


class NotNow(Exception):
    """The message was not sent, a later try may succeed; the text of the error is a sentence, or an answer."""


def pause(tries: int) -> timedelta:
    """Return how long to wait after so many tries: 1, 2, 4, … minutes, at most one hour."""
    return min(FIRST_PAUSE * (1 << min(tries - 1, 10)), LONGEST_PAUSE)


def is_too_late(kind: str, written_at: datetime, now: datetime) -> bool:
    """Return whether a message is too old to be sent."""
    return now - written_at >= (LINK_LASTS if kind == Kind.RESET else TRIED_FOR)
