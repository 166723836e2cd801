"""Waiting times after wrong passwords, and after requests for a link to set a new password.

Tries are counted per user name or email address (known or not, so that the answer reveals nothing) and per network
address. After some free tries each further try doubles the wait, up to 15 minutes. After a day without a try the count
is 0 (source: OWASP ASVS 2.2.1).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

FREE_TRIES = {"account": 5, "address": 100, "reset": 3, "reset address": 50}
"""Tries without a wait: two scopes of wrong passwords, two of requests for a link. Many people may share an address."""
FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Failures:
    """Wrong passwords in a row."""

    count: int
    last_at: datetime


def wait_until(failures: Failures | None, scope: str, now: datetime) -> datetime | None:
    """Return until when further tries in `scope` are refused; None if a try is allowed now."""
    if failures is None or now - failures.last_at >= FORGOTTEN_AFTER:
        return None
    excess = failures.count - FREE_TRIES[scope]
    if excess < 0:
        return None
    wait = min(FIRST_WAIT * 2 ** min(excess, 10), LONGEST_WAIT)
    return failures.last_at + wait if now < failures.last_at + wait else None


def after_success(failures: Failures | None) -> Failures | None:
    """Return the failures of a network address without the try that was correct; all others still count."""
    return Failures(failures.count - 1, failures.last_at) if failures is not None and failures.count > 1 else None


def after_failure(failures: Failures | None, now: datetime) -> Failures:
    """Return the failures with one more at `now`; after a day without failures the count starts at 1."""
    if failures is None or now - failures.last_at >= FORGOTTEN_AFTER:
        return Failures(1, now)
    return Failures(failures.count + 1, now)
