"""Delivering events to the portal in order and at least once, as every gateway should."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import httpx

log = logging.getLogger(__name__)

Event = dict[str, Any]
Post = Callable[[Sequence[Event]], httpx.Response]

MOST_AT_ONCE = 500
FLUSH_SECONDS = 2.0
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds before the first retry, and the longest wait before a retry."""
LOST_ANSWERS = 0.04
"""Share of batches that are sent again although they arrived, as after a lost answer."""
QUIET_FAILURES = 3
"""Failures in a row before the first one is logged."""
GOOD = {"accepted", "duplicate"}


class EventQueue:
    """A queue of events for one portal. A batch is sent again unchanged until it has arrived."""

    def __init__(self, post: Post, rng: Random) -> None:
        """Send with `post`, which may raise httpx.TransportError; draw from `rng` how long to wait."""
        self._post = post
        self._rng = rng
        self._queue: deque[Event] = deque()
        self._batch: list[Event] = []
        self._failures = 0

    @property
    def waiting(self) -> int:
        """The number of events that are not confirmed."""
        return len(self._batch) + len(self._queue)

    def add(self, event: Event) -> None:
        """Append an event to the queue."""
        self._queue.append(event)

    def attempt(self) -> float:
        """Send the oldest events, if there are any; return how many seconds to wait before the next attempt."""
        if not self._batch:
            self._batch = [self._queue.popleft() for _ in range(min(len(self._queue), MOST_AT_ONCE))]
        if not self._batch:
            return FLUSH_SECONDS
        try:
            answer = self._post(self._batch)
        except httpx.TransportError as error:
            return self._later(type(error).__name__)
        if answer.status_code != httpx.codes.OK:
            return self._later(f"status {answer.status_code}", answer.headers.get("retry-after"))
        self._arrived(answer)
        return FLUSH_SECONDS

    def _later(self, reason: str, retry_after: str | None = None) -> float:
        """Keep the batch and return an exponentially growing wait, at least the Retry-After of the portal."""
        self._failures += 1
        if self._failures == QUIET_FAILURES:
            log.warning("The portal takes no usage (%s); keeping it and trying again.", reason)
        asked = float(retry_after) if retry_after and retry_after.isdigit() else 0.0
        wait = min(FIRST_WAIT * 2.0 ** min(self._failures - 1, 10), LONGEST_WAIT)
        return max(wait * self._rng.uniform(0.7, 1.0), min(asked, LONGEST_WAIT))

    def _arrived(self, answer: httpx.Response) -> None:
        if self._failures >= QUIET_FAILURES:
            log.warning("The portal takes usage again; %d requests were kept meanwhile.", self.waiting)
        self._failures = 0
        results = Counter(str(result.get("result")) for result in answer.json()["results"])
        bad = {name: count for name, count in results.items() if name not in GOOD}
        if bad:
            log.warning("Not all usage was counted: %s", bad)
        if self._rng.random() >= LOST_ANSWERS:
            self._batch = []
