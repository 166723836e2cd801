"""Single requests: models, modes, sizes and failures."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from random import Random
from typing import TypeVar

from portal.demo.people import DemoKey, DemoPerson
from portal.rules.secrets import digest
from portal.rules.usage import UsageReport

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
