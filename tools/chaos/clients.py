"""Gateways that report usage over real connections, and record the sent and the acknowledged events."""

import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPConnection, HTTPException
from typing import Any

from portal.rules.people.secrets import digest

Id = tuple[str, str]
"""A gateway's name, and the id it gave to a request."""

SIZES = (1, 1, 2, 5, 10, 30)
"""Events of a batch."""
MODELS = ("qwen3:32b", "gemma3:27b", "llama3.3:70b")
MODES = ("native", "moe_orchestrated")
PEOPLE = ("alice", "bob")
KEYS = {name: f"moe-sk-{digest(name)[:48]}" for name in PEOPLE}
"""The API key of each person."""
HUNG_UP = 0
TAKEN = ("accepted", "duplicate")
COMES_AGAIN_AFTER = 0.05
"""Seconds until a batch that could not be stored is sent again; short, since outages are short here."""


@dataclass(slots=True)
class Ledger:
    """The common record of all gateways, with a lock for their threads."""

    sent: dict[Id, dict[str, Any]] = field(default_factory=dict)
    acknowledged: set[Id] = field(default_factory=set)
    surprises: list[str] = field(default_factory=list)
    busy: int = 0
    answers: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def begin(self, gateway: str, batch: list[dict[str, Any]]) -> None:
        """Record the events before they are sent."""
        with self.changed:
            self.sent |= {(gateway, event["id"]): event for event in batch}
            self.busy += 1
            self.changed.notify_all()

    def end(self, gateway: str, acknowledged: list[str], surprises: list[str]) -> None:
        """Record the result of a batch."""
        with self.changed:
            self.acknowledged |= {(gateway, id) for id in acknowledged}
            self.surprises += surprises
            self.answers += bool(acknowledged)
            self.busy -= 1
            self.changed.notify_all()


class Client:
    """One connection of a gateway. Two gateways use the same ids, which must not matter."""

    def __init__(self, number: int, token: str, gateway: str, seed: str, since: datetime, ledger: Ledger) -> None:
        """Store the values; the reported requests were made before `since`."""
        self.hangs_up = 0.05
        """The probability that the client does not wait for the answer to a batch."""
        self._gateway, self._token, self._since, self._ledger = gateway, token, since, ledger
        self._name = f"client-{number}"
        self._random = random.Random(f"{seed}/{gateway}/{number}")
        self._open: list[dict[str, Any]] = []
        self._known: list[dict[str, Any]] = []
        self._made = 0

    def work(self, port: int, goes_on: Callable[[], bool]) -> None:
        """Report while `goes_on`, until the server is gone; a batch without an acknowledgement is sent again first."""
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            while self._open or goes_on():
                if not self._open:
                    self._open = self._next_batch()
                self._report(connection, self._open)
        except (OSError, HTTPException):
            pass  # the server is gone
        finally:
            connection.close()

    def _report(self, connection: HTTPConnection, batch: list[dict[str, Any]]) -> None:
        acknowledged: list[str] = []
        surprises: list[str] = []
        self._ledger.begin(self._gateway, batch)
        try:
            self._reserve(connection, batch[0])
            status, answer = self._post(connection, batch)
            if status == 200:
                acknowledged, surprises = _read(answer, batch)
                self._open = []
            elif status == HUNG_UP:
                pass
            elif status == 503:
                time.sleep(COMES_AGAIN_AFTER)
            else:
                surprises = [f"{status}: {answer.decode()[:200]}"]
        finally:
            self._ledger.end(self._gateway, acknowledged, surprises)

    def _reserve(self, connection: HTTPConnection, event: dict[str, Any]) -> None:
        """Ask whether the key of an event may spend, as gateways do before a request; the answer does not matter."""
        if "api_key" not in event or self._random.random() < 0.5:
            return
        question = {"api_key": event["api_key"], "estimated_tokens": 10, "request_id": event["id"]}
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        connection.request("POST", "/api/v1/authorize", json.dumps(question), headers)
        connection.getresponse().read()

    def _post(self, connection: HTTPConnection, batch: list[dict[str, Any]]) -> tuple[int, bytes]:
        is_lines = self._random.random() < 0.5
        kind = "application/x-ndjson" if is_lines else "application/json"
        body = "\n".join(map(json.dumps, batch)) if is_lines else json.dumps(batch)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": kind}
        connection.request("POST", "/api/v1/usage", body, headers)
        if self._random.random() < self.hangs_up:
            connection.close()
            return HUNG_UP, b""
        response = connection.getresponse()
        return response.status, response.read()

    def _next_batch(self) -> list[dict[str, Any]]:
        """Return new events, old events again, or both."""
        size = self._random.choice(SIZES)
        old = self._random.sample(self._known, min(size, len(self._known))) if self._random.random() < 0.3 else []
        new = [] if old and self._random.random() < 0.5 else [self._event() for _ in range(size)]
        self._known += new
        batch = old + new
        self._random.shuffle(batch)
        return batch

    def _event(self) -> dict[str, Any]:
        self._made += 1
        choice = self._random
        person = choice.choice(PEOPLE)
        return {
            "id": f"{self._name}-{self._made}",
            **({"api_key": KEYS[person]} if choice.random() < 0.5 else {"username": person}),
            "model": choice.choice(MODELS),
            "mode": choice.choice(MODES),
            "prompt_tokens": choice.randrange(10_000),
            "completion_tokens": choice.randrange(1_000),
            "cost_factor": "1",
            "status": choice.choice(("ok", "ok", "ok", "timeout")),
            "requested_at": (self._since - timedelta(seconds=choice.randrange(40 * 86_400))).isoformat(),
        }


def _read(answer: bytes, batch: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Return the acknowledged ids of an answer, and the unexpected results of other events."""
    results = json.loads(answer)["results"]
    if [result["id"] for result in results] != [event["id"] for event in batch]:
        return [], [f"the answer is not about this batch: {answer.decode()[:200]}"]
    taken = [result["id"] for result in results if result["result"] in TAKEN]
    return taken, [repr(result) for result in results if result["result"] not in TAKEN]
