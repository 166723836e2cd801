"""The requests of the demo: models, modes, sizes and failures; and the live ones, an endless stream from the seed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from random import Random
from typing import Any, TypeVar

from portal.demo.people import OWNER, PEOPLE, DemoKey, DemoPerson
from portal.rules.metering.usage import UsageReport
from portal.rules.people.secrets import digest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RequestKind:
    """A kind of request: its model, mode and template, and the medians of its tokens.

    `cached` is the usual share of cached tokens in the prompt, `reasoning` that of reasoning tokens in the completion.
    """

    model: str
    mode: str
    template: str | None
    prompt: int
    completion: int
    cached: float = 0.0
    reasoning: float = 0.0


@dataclass(frozen=True, slots=True)
class RequestTokens:
    """The tokens of one request."""

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int = 0


CODE = RequestKind("qwen3-coder:30b", "native", None, 4200, 700, cached=0.5)
REVIEW = RequestKind("qwen3-coder:30b", "moe_orchestrated", "code-review", 5600, 1100, cached=0.3)
AGENT = RequestKind("gpt-oss:120b", "moe_agent", "code-review", 8800, 900, cached=0.7, reasoning=0.2)
CHAT = RequestKind("mistral-small3.2:24b", "native", None, 1500, 420)
DRAFT = RequestKind("gemma3:27b", "native", None, 1100, 480)
SHORT = RequestKind("phi4:14b", "native", None, 520, 160)
EXPERTS = RequestKind("gpt-oss:120b", "moe_orchestrated", "research-de", 4300, 1050, reasoning=0.25)
TRANSLATION = RequestKind("mistral-small3.2:24b", "moe_orchestrated", "quick-answers", 1300, 900)
THINKING = RequestKind("deepseek-r1:32b", "moe_reasoning", "research-de", 2500, 3200, reasoning=0.6)
DEEP = RequestKind("gpt-oss:120b", "moe_reasoning", "research-de", 3300, 2900, reasoning=0.5)
RESEARCH = RequestKind("llama3.3:70b", "moe_research", "research-de", 7600, 1900, cached=0.2)
LONG_READ = RequestKind("llama3.3:70b", "moe_orchestrated", "research-de", 5200, 800)
PLAIN_THINKING = RequestKind("deepseek-r1:32b", "native", None, 1500, 2100, reasoning=0.6)
EMBEDDING = RequestKind("bge-m3", "native", None, 640, 0)

STYLES: dict[str, dict[RequestKind, int]] = {
    "code": {CODE: 60, REVIEW: 22, PLAIN_THINKING: 8, SHORT: 6, EXPERTS: 4},
    "chat": {CHAT: 46, DRAFT: 18, SHORT: 12, TRANSLATION: 10, EXPERTS: 10, PLAIN_THINKING: 4},
    "agent": {AGENT: 62, REVIEW: 24, CODE: 14},
    "research": {EXPERTS: 36, THINKING: 24, RESEARCH: 15, DEEP: 13, LONG_READ: 9, EMBEDDING: 3},
    "index": {EMBEDDING: 74, LONG_READ: 14, DRAFT: 12},
    "probe": {SHORT: 100},
}
FAILURES = {
    "504 timeout": 38,
    "429 limited": 30,
    "500 internal error": 12,
    "503 no expert available": 11,
    "400 context length exceeded": 9,
}
FAILURE_RATE = 0.016
TIMEOUT_MS = 60_000
LONGEST_PROMPT = 120_000
PAUSE = 3.0
"""Seconds between two live requests, on average."""
OWNER_SHARE = 0.25
"""Share of the demo account in the live requests."""
SCALE = 0.12
"""Size of live requests relative to the history; small, so that budgets keep their level for an hour."""
RENAMED = {"key_hash": "api_key_hash"}


def new_report(
    rng: Random,
    person: DemoPerson,
    key: DemoKey,
    seed: int,
    at: datetime,
    id: str,
    *,
    session_id: str | None = None,
    turn: int = 0,
    scale: float = 1.0,
) -> UsageReport:
    """Return a request as the gateway reports it; `turn` is its index in the conversation."""
    kind = _weighted(rng, STYLES[key.style])
    tokens = _tokens(rng, kind, turn, scale)
    status, tokens, latency = _outcome(rng, tokens)
    return UsageReport(
        id=id,
        model=kind.model,
        mode=kind.mode,
        prompt_tokens=tokens.prompt,
        completion_tokens=tokens.completion,
        key_hash=key_hash(key, seed, person.username),
        cached_tokens=tokens.cached,
        reasoning_tokens=tokens.reasoning,
        status=status,
        requested_at=at,
        latency_ms=latency,
        template=kind.template,
        cost_factor=Decimal(1) if kind.template is None else None,  # else the template's
        session_id=session_id,
    )


@lru_cache(maxsize=256)
def key_hash(key: DemoKey, seed: int, username: str) -> str:
    """Return the digest of a key, as the portal stores it."""
    return digest(key.secret(seed, username))


def _weighted(rng: Random, weights: Mapping[T, int]) -> T:
    return rng.choices(tuple(weights), tuple(weights.values()))[0]


def _tokens(rng: Random, kind: RequestKind, turn: int, scale: float) -> RequestTokens:
    """Draw the tokens of a request: log-normal, as lengths of texts are, and growing with the conversation."""
    grown = 1 + min(turn, 12) * 0.12
    prompt = min(max(int(kind.prompt * scale * grown * math.exp(rng.gauss(0, 0.75))), 12), LONGEST_PROMPT)
    completion = max(int(kind.completion * scale * math.exp(rng.gauss(0, 0.6))), 1) if kind.completion else 0
    is_warm = turn > 0 and rng.random() < 0.8
    cached = int(prompt * min(kind.cached * rng.uniform(0.6, 1.3), 0.95)) if is_warm else 0
    return RequestTokens(prompt, completion, cached, int(completion * min(kind.reasoning * rng.uniform(0.7, 1.3), 0.9)))


def _outcome(rng: Random, tokens: RequestTokens) -> tuple[str, RequestTokens, int]:
    """Return status, counted tokens and latency in milliseconds; a failed request has no answer."""
    if rng.random() >= FAILURE_RATE:
        seconds = 0.4 + tokens.completion * rng.uniform(0.006, 0.014) + tokens.prompt * 0.00012
        return "ok", tokens, int(seconds * 1000)
    status = _weighted(rng, FAILURES)
    if status.startswith("504"):
        return status, RequestTokens(tokens.prompt, 0, tokens.cached), TIMEOUT_MS + rng.randrange(400)
    return status, RequestTokens(0, 0), rng.randrange(8, 900)


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
