"""The data of a benchmark: a gateway, accounts with keys, and the requests that they report."""

import itertools
import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.actions.metering.gateways import create_gateway
from portal.actions.people.keys import create_key
from portal.actions.people.sessions import Browser, open_session_for
from portal.actions.spending.budgets import set_budget
from portal.clock import utc_now
from portal.db.people.accounts import add_account
from portal.db.sql.schema import migrate
from portal.db.sql.session import Database
from portal.rules.metering.usage import UsageReport
from portal.rules.people.actors import Actor, Means
from portal.rules.people.secrets import digest
from portal.rules.spending.budgets import Limits

ACTOR = Actor(Means.COMMAND_LINE, "bench")
BUDGET_ZONE = ZoneInfo("UTC")
MODELS = tuple(f"llama-3.3-70b-instruct-{number}" for number in range(8))
MODES = ("native", "moe_orchestrated", "moe_reasoning")
ENOUGH = 10**15
"""A limit that no benchmark reaches."""


@dataclass(frozen=True, slots=True)
class Premises:
    """A gateway with its token, keys by account, and the open session of one person."""

    gateway_id: int
    gateway_token: str
    keys: dict[int, list[str]]
    key_ids: dict[int, list[int]]
    session: str


def prepare(database: Database, accounts: int = 50, keys: int = 2) -> Premises:
    """Migrate a new database and add accounts; the ids are the same each time."""
    migrate(database)
    with database.transaction() as session:
        return _people(session, accounts, keys)


def _people(session: Session, accounts: int, keys: int) -> Premises:
    now = utc_now()
    gateway = create_gateway(session, ACTOR, "moe-1", now)
    secrets: dict[int, list[str]] = {}
    ids: dict[int, list[int]] = {}
    for name in [f"person-{number}" for number in range(accounts)]:
        account = add_account(session, name, name, f"{name}@example.org", "user", None, now)
        account.time_zone = "Europe/Berlin"
        set_budget(session, ACTOR, account.id, Limits(ENOUGH, ENOUGH, ENOUGH), now)
        made = [create_key(session, ACTOR, account.id, f"key {number}", None, now) for number in range(keys)]
        secrets[account.id] = [key.secret for key in made]
        ids[account.id] = [key.id for key in made]
    signed_in = open_session_for(session, min(secrets), Browser("bench", "127.0.0.1"), now)
    return Premises(gateway.id, gateway.token or "", secrets, ids, signed_in.token)


class Traffic:
    """Requests of the last ten minutes; no id occurs twice, also not in the other kind of traffic.

    Ten people work at the same time, for a thousand requests, and each of their keys is used in one mode with two
    models, as by a real program. `scattered`: each request has a random person, key, model and mode, so that few of
    them add to the same sums.
    """

    AT_ONCE, SHIFT = 10, 1000

    def __init__(self, premises: Premises, *, scattered: bool = False) -> None:
        """Set the seed, so that the choices are the same each time."""
        self._people = list(premises.keys.values())
        self._random = random.Random(int(scattered))
        self._now = datetime.now(UTC)
        self._scattered = scattered
        self._count = itertools.count()
        self._at_work: list[tuple[str, str, tuple[str, ...]]] = []

    def reports(self, count: int) -> list[UsageReport]:
        """Return requests in the form of an adapter's reports."""
        return [_report(event) for event in self.events(count)]

    def events(self, count: int) -> list[dict[str, Any]]:
        """Return requests in the form that a gateway sends."""
        return [self._event() for _ in range(count)]

    def _event(self) -> dict[str, Any]:
        choice = self._random
        if next(self._count) % self.SHIFT == 0:
            self._at_work = list(self._shift())
        key, mode, models = choice.choice(self._at_work)
        if self._scattered:
            key, mode, models = choice.choice(choice.choice(self._people)), choice.choice(MODES), MODELS
        return {
            "id": f"chatcmpl-{uuid.UUID(int=choice.getrandbits(128))}",
            "api_key": key,
            "model": choice.choice(models),
            "mode": mode,
            "prompt_tokens": choice.randrange(10_000),
            "completion_tokens": choice.randrange(1_000),
            "requested_at": (self._now - timedelta(seconds=choice.random() * 600)).isoformat(),
            "latency_ms": choice.randrange(20_000),
        }

    def _shift(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Yield the keys of the people who work now, each with its mode and models."""
        for keys in self._random.sample(self._people, min(self.AT_ONCE, len(self._people))):
            yield from ((key, self._random.choice(MODES), tuple(self._random.sample(MODELS, 2))) for key in keys)


def batches(reports: Sequence[UsageReport], size: int) -> list[Sequence[UsageReport]]:
    """Cut reports into batches."""
    return [reports[start : start + size] for start in range(0, len(reports), size)]


def _report(event: dict[str, Any]) -> UsageReport:
    values = dict(event)
    values["key_hash"] = digest(values.pop("api_key"))
    values["requested_at"] = datetime.fromisoformat(values["requested_at"])
    return UsageReport(**values)
