"""How often mail is sent, and how long it is tried.

Source: RFC 5321, 4.5.4.1, has a sender try again after growing pauses for some days; an alert is of use for two.
"""

from datetime import datetime, timedelta
from enum import StrEnum

TRIED_FOR = timedelta(hours=48)
"""How long after it was written a mail may still be sent."""
LINK_LASTS = timedelta(minutes=30)
"""How long a link for a forgotten password works; after that its mail is of no use."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
MAILS_A_DAY = 20
"""How many mails an account gets on one day (UTC)."""
LINKS_A_DAY = 10
"""How many of them may be links for forgotten passwords: strangers ask for these, and must not crowd out alerts."""


class Kind(StrEnum):
    """What a mail is about."""

    ALERT = "alert"
    TEST = "test"
    RESET = "reset"
    NOTICE = "notice"


class State(StrEnum):
    """What has become of a mail."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


def pause(tries: int) -> timedelta:
    """Return how long to wait after so many tries: 1 min, 2, 4, … up to an hour."""
    return min(FIRST_PAUSE * (1 << min(tries - 1, 10)), LONGEST_PAUSE)


def is_too_late(kind: str, written_at: datetime, now: datetime) -> bool:
    """Say whether a mail is so old that it is not tried any more."""
    return now - written_at >= (LINK_LASTS if kind == Kind.RESET else TRIED_FOR)
