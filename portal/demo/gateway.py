"""The simulated gateway: a separate process that reports requests over HTTP.

`python -m portal.demo.gateway --url http://127.0.0.1:8080 --seed 1` reads its gateway token from the first line of
stdin, which no other user of the machine can read. It stops when stdin is closed, which also happens when its parent
process dies.
"""

import argparse
import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from random import Random
from typing import Any

import httpx

from portal.clock import utc_now
from portal.demo.requests import Traffic, as_event

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


READY_SECONDS = 0.5
"""Seconds between two readiness checks."""
TIMEOUT_SECONDS = 10
GRACE_SECONDS = 2
"""Seconds that a running request may take after the stop."""


@contextlib.contextmanager
def simulated_gateway(url: str, seed: int, token: str) -> Iterator["subprocess.Popen[str]"]:
    """Run the simulated gateway for the portal at `url`, and stop it at the end."""
    command = [sys.executable, "-m", "portal.demo.gateway", "--url", url, "--seed", str(seed)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)  # noqa: S603  # our own program
    try:
        if process.stdin is not None:
            print(token, file=process.stdin, flush=True)
        yield process
    finally:
        with contextlib.suppress(OSError):  # it may have ended by itself
            if process.stdin is not None:
                process.stdin.close()
        try:
            process.wait(GRACE_SECONDS + 1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main() -> None:
    """Report requests until stdin ends."""
    parser = argparse.ArgumentParser(prog="portal.demo.gateway", description=__doc__)
    parser.add_argument("--url", required=True, help="where the portal is, such as http://127.0.0.1:8080")
    parser.add_argument("--seed", type=int, default=1, help="decides what is requested")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="simulated gateway: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches both processes; the portal decides when to stop
    token = sys.stdin.readline().strip()
    stopped = threading.Event()
    threading.Thread(target=_stop_with_parent, args=(stopped,), daemon=True).start()
    headers = {"Authorization": f"Bearer {token}", "User-Agent": "moe-portal-demo"}
    with httpx.Client(base_url=chosen.url, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        if wait_until_ready(client, stopped.wait):
            rng = Random(f"{chosen.seed}/delivery")  # noqa: S311  # made-up data need no cryptography
            report(Traffic(chosen.seed, utc_now()), EventQueue(lambda batch: post(client, batch), rng), stopped.wait)


def wait_until_ready(client: httpx.Client, wait: Callable[[float], bool]) -> bool:
    """Wait until the portal is ready; return False if `wait` returns True, which means stop."""
    while True:
        with contextlib.suppress(httpx.TransportError):
            if client.get("/readyz").status_code == httpx.codes.OK:
                return True
        if wait(READY_SECONDS):
            return False


def post(client: httpx.Client, batch: Sequence[Event]) -> httpx.Response:
    """Send a batch of events."""
    return client.post("/api/v1/usage", json=list(batch))


def report(
    traffic: Traffic,
    delivery: EventQueue,
    wait: Callable[[float], bool],
    now: Callable[[], datetime] = utc_now,
    elapsed: Callable[[], float] = time.monotonic,
) -> None:
    """Make requests and deliver them until `wait` returns True."""
    next_request = next_attempt = elapsed()
    while True:
        if elapsed() >= next_request:
            delivery.add(as_event(traffic.request(now())))
            next_request = elapsed() + traffic.pause()
        if elapsed() >= next_attempt:
            pause = delivery.attempt()
            next_attempt = elapsed() + pause
        if wait(max(min(next_request, next_attempt) - elapsed(), 0.01)):
            return


def _stop_with_parent(stopped: threading.Event) -> None:
    """Wait for the end of stdin, then stop the process within `GRACE_SECONDS`."""
    while sys.stdin.read(1):
        pass
    stopped.set()
    time.sleep(GRACE_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    main()
