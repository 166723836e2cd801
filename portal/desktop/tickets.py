"""One-time tickets, with which a window of the person gets the cookie of this run."""

import secrets
import threading
import time
from collections.abc import Callable

VALID_SECONDS = 60


class Tickets:
    """The tickets of a run. A ticket is valid once, for `VALID_SECONDS`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Use `clock` for the age of tickets, in seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._ends: dict[str, float] = {}

    def issue(self) -> str:
        """Return a new ticket."""
        ticket = secrets.token_urlsafe(32)
        with self._lock:
            self._ends[ticket] = self._clock() + VALID_SECONDS
        return ticket

    def redeem(self, ticket: str) -> bool:
        """Use a ticket up; return whether it was valid."""
        with self._lock:
            now = self._clock()
            self._ends = {known: end for known, end in self._ends.items() if now < end}
            return self._ends.pop(ticket, None) is not None
