"""Chromium's DevTools protocol over a pipe, which only this process has: raise and close the window.

https://chromedevtools.github.io/devtools-protocol/; messages are JSON objects, each followed by a zero byte.
"""

import json
import os
import select
import threading
import time
from typing import Any

ANSWERS_WITHIN = 5.0
"""Seconds that a browser has for an answer."""


class NoAnswer(Exception):
    """The browser does not answer, or refuses."""


class DevTools:
    """The protocol on the two ends of a pipe."""

    def __init__(self, reading: int, writing: int) -> None:
        """Use two file descriptors, and close them with `close`."""
        self.reading = reading
        self.writing = writing
        self._buffer = b""
        self._number = 0
        self._lock = threading.Lock()

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Return the result of a method. Raises NoAnswer."""
        with self._lock:
            self._number += 1
            request = {"id": self._number, "method": method, "params": parameters}
            try:
                os.write(self.writing, json.dumps(request).encode() + b"\0")
                answer = self._answer(self._number, time.monotonic() + ANSWERS_WITHIN)
            except (OSError, ValueError) as error:
                raise NoAnswer(str(error)) from error
        if "result" not in answer:
            raise NoAnswer(str(answer.get("error")))
        result: dict[str, Any] = answer["result"]
        return result

    def close(self) -> None:
        """Close the pipe; a browser that still runs ends then."""
        with self._lock:
            for end in (self.reading, self.writing):
                if end >= 0:
                    os.close(end)
            self.reading = self.writing = -1

    def _answer(self, number: int, until: float) -> dict[str, Any]:
        while True:
            *messages, self._buffer = self._buffer.split(b"\0")
            for message in map(json.loads, messages):
                if message.get("id") == number:
                    found: dict[str, Any] = message
                    return found
            ready, _, _ = select.select([self.reading], [], [], max(until - time.monotonic(), 0))
            received = os.read(self.reading, 65_536) if ready else b""
            if not received:
                raise OSError("the pipe is closed" if ready else "no answer in time")
            self._buffer += received
