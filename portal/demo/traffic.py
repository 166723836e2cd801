"""The live requests of the demo: an endless stream that follows from the seed, and its JSON."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any

from portal.demo.people import OWNER, PEOPLE, DemoKey, DemoPerson
from portal.demo.requests import new_report
from portal.rules.usage import UsageReport

PAUSE = 3.0
"""Seconds between two requests, on average."""
OWNER_SHARE = 0.25
"""Share of the demo account in the requests."""
SCALE = 0.12
"""Size of live requests relative to the history; small, so that budgets keep their level for an hour."""
RENAMED = {"key_hash": "api_key_hash"}


class Traffic:
    """A stream of requests of the people who are here today."""

    def __init__(self, seed: int, started: datetime) -> None:
        """Start a stream. `started` only affects the ids, which differ in every run."""
        self._seed = seed
        self._rng = Random(f"{seed}/live")  # noqa: S311  # made-up data need no cryptography
        self._run = f"live-{started:%Y%m%dT%H%M%S%f}"
        self._count = 0
        here = [person for person in PEOPLE if person.is_here(0)]
        self._owner = next(person for person in here if person.username == OWNER)
        self._others = [person for person in here if person is not self._owner]
        self._turns: dict[str, int] = {}

    def pause(self) -> float:
        """Return how many seconds pass until the next request."""
        return min(max(self._rng.expovariate(1 / PAUSE), 0.3), PAUSE * 4)

    def request(self, now: datetime) -> UsageReport:
        """Return the next request, made at `now`."""
        self._count += 1
        person = self._person()
        key = _key(self._rng, person)
        turn = self._turn(person, key)
        return new_report(
            self._rng,
            person,
            key,
            self._seed,
            now,
            f"{self._run}-{self._count:06d}",
            session_id=f"{self._run}-{person.username}-{key.label}",
            turn=turn,
            scale=SCALE,
        )

    def _person(self) -> DemoPerson:
        if self._rng.random() < OWNER_SHARE:
            return self._owner
        return self._rng.choices(self._others, [person.pace for person in self._others])[0]

    def _turn(self, person: DemoPerson, key: DemoKey) -> int:
        """Return the index of a request in its conversation; start a new conversation at random."""
        name = f"{person.username}/{key.label}"
        turn = self._turns.get(name, 0)
        self._turns[name] = 0 if self._rng.random() < 0.2 else turn + 1
        return turn


def as_event(report: UsageReport) -> dict[str, Any]:
    """Return a report as the JSON object of the native API, without absent values."""
    values = {RENAMED.get(f.name, f.name): getattr(report, f.name) for f in fields(report)}
    return {name: _as_json(value) for name, value in values.items() if value is not None}


def _as_json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _key(rng: Random, person: DemoPerson) -> DemoKey:
    keys: Sequence[DemoKey] = [key for key in person.keys if key.is_used(0)]
    return rng.choices(keys, [key.share for key in keys])[0]
