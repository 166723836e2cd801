"""What providers and tools export of usage: the formats of their files.

Sources: each one's documentation of its export or usage API, and files of public reports.

- Cursor's usage events: four disjoint columns of counts, and their total. "Input (w/ Cache Write)" is what was written
  to a cache. What was aborted or failed is named in Kind.
- OpenRouter's activity: cached tokens are part of the prompt, reasoning is part of the completion; UTC.
- OpenRouter's activity API: sums of a day, a model and an endpoint; UTC.
- Cursor's Admin API: the same four counts in `tokenUsage`, which requests that are not billed by tokens lack.
- Anthropic's usage report, from the console (CSV) and the Admin API (JSON): disjoint counts of a day or bucket, a model
  and a key, of which the name alone is told. Its report of Claude Code has a person, and a row for each model.
- ccusage: sums of a day and a model, read from Claude Code's own logs; disjoint counts.
- OpenAI's usage of the organisation: input includes what was cached, and is all that embeddings and moderations have;
  audio is counted beside the text in files that have no column for text.
- GitHub's and other agents' usage with the columns input, output, cache_read and cache_write, which are disjoint.
- Langfuse's observations: those of a model have usage; `usage_details` are disjoint counts, and their total.
- Helicone's requests: an answer from Helicone's own cache cost nothing.
"""

from dataclasses import replace
from datetime import UTC
from typing import Any

from portal.gateways.count_names import PARTS
from portal.imports.cells import text
from portal.imports.formats import Format, Said, Skip, set_latency

_UNSUCCESSFUL = ("errored", "aborted", "failed", "cancel")


def _cursor(said: Said) -> None:
    kind = _text(said, "kind")
    if kind.lower().startswith(_UNSUCCESSFUL):
        said["status"] = kind


def _openrouter(said: Said) -> None:
    cancelled, finish = _text(said, "cancelled").lower(), _text(said, "finish").lower()
    if cancelled == "true":
        said["status"] = "cancelled"
    elif finish == "error":
        said["status"] = "error"


def _langfuse(said: Said) -> Skip | None:
    kind = _text(said, "type").upper()
    if kind not in {"", "GENERATION", "EMBEDDING"}:
        return f"observations of type {kind[:64]}"
    level = _text(said, "level").upper()
    if level == "ERROR":
        said["status"] = "error"
    set_latency(said)
    return None


def _helicone(said: Said) -> None:
    if _text(said, "cached_from") or _text(said, "cached").lower() in {"true", "1"}:
        said.setdefault("cost_factor", "0")


def _text(said: Said, field: str) -> str:
    found: Any = said.pop(field, "")
    return str(found).strip() if isinstance(found, (str, int, bool)) else text(found, field)


CURSOR = Format(
    "Cursor's usage events",
    "cursor",
    {
        "username": ["user", "useremail", "email"],
        "model": ["model"],
        "requested_at": ["date", "timestamp"],
        "kind": ["kind"],
    },
    {
        "inputwcachewrite": "cache_creation_input_tokens",
        "inputwocachewrite": "input_tokens",
        "cacheread": "cache_read_input_tokens",
        "outputtokens": "output_tokens",
        "output": "output_tokens",
        "totaltokens": "total_tokens",
    },
    frozenset({"date", "model", "inputwcachewrite", "inputwocachewrite", "cacheread"}),
    _cursor,
    beside=True,
)
CURSOR_API = Format(
    "Cursor's usage events of its Admin API",
    "cursor",
    {"username": ["useremail"], "model": ["model"], "requested_at": ["timestamp"], "kind": ["kind"]},
    {
        "tokenusageinputtokens": "input_tokens",
        "tokenusageoutputtokens": "output_tokens",
        "tokenusagecachewritetokens": "cache_creation_input_tokens",
        "tokenusagecachereadtokens": "cache_read_input_tokens",
    },
    frozenset({"timestamp", "useremail", "model", "kind", "tokenusageinputtokens", "tokenusageoutputtokens"}),
    _cursor,
    UTC,
    beside=True,
)
OPENROUTER = Format(
    "OpenRouter's activity",
    "openrouter",
    {
        "id": ["generationid"],
        "username": ["user", "useremail"],
        "model": ["modelpermaslug"],
        "requested_at": ["createdat"],
        "latency_ms": ["generationtimems"],
        "cancelled": ["cancelled"],
        "finish": ["finishreasonnormalized"],
    },
    {
        "tokensprompt": "prompt_tokens",
        "tokenscompletion": "completion_tokens",
        "tokensreasoning": "reasoning_tokens",
        "tokenscached": "cached_tokens",
        "nativetokensprompt": "native_tokens_prompt",
        "nativetokenscompletion": "native_tokens_completion",
        "nativetokensreasoning": "native_tokens_reasoning",
        "nativetokenscached": "native_tokens_cached",
    },
    frozenset({"generationid", "createdat", "tokensprompt", "tokenscompletion", "modelpermaslug"}),
    _openrouter,
    UTC,
    beside=False,
)
OPENROUTER_DAYS = Format(
    "OpenRouter's activity by day",
    "openrouter",
    {"username": ["user", "useremail"], "model": ["modelpermaslug"], "requested_at": ["date"]},
    {
        "prompttokens": "prompt_tokens",
        "completiontokens": "completion_tokens",
        "reasoningtokens": "reasoning_tokens",
    },
    frozenset({"date", "modelpermaslug", "endpointid", "requests", "prompttokens", "completiontokens"}),
    zone=UTC,
    beside=False,
    aggregate="A row is the sum of a day, a model and an endpoint.",
    is_sum=True,
)
ANTHROPIC = Format(
    "Anthropic's usage report",
    "anthropic",
    {"username": ["user", "useremail", "email"], "model": ["modelversion", "model"], "requested_at": ["usagedateutc"]},
    {
        "usageinputtokensnocache": "input_tokens",
        "usageinputtokenscachewrite": "cache_creation_input_tokens",
        "usageinputtokenscachewrite5m": "cache_creation.ephemeral_5m_input_tokens",
        "usageinputtokenscachewrite1h": "cache_creation.ephemeral_1h_input_tokens",
        "usageinputtokenscacheread": "cache_read_input_tokens",
        "usageoutputtokens": "output_tokens",
    },
    frozenset({"usagedateutc", "usageinputtokensnocache", "usageoutputtokens"}),
    zone=UTC,
    beside=True,
    aggregate="A row is the sum of a day, a model and a key.",
    is_sum=True,
)
ANTHROPIC_API = Format(
    "Anthropic's usage report of its Admin API",
    "anthropic",
    {"username": ["user", "useremail", "email"], "model": ["model"], "requested_at": ["startingat"]},
    {
        "uncachedinputtokens": "input_tokens",
        "outputtokens": "output_tokens",
        "cachereadinputtokens": "cache_read_input_tokens",
        "cachecreationinputtokens": "cache_creation_input_tokens",
        "cachecreationephemeral5minputtokens": "cache_creation.ephemeral_5m_input_tokens",
        "cachecreationephemeral1hinputtokens": "cache_creation.ephemeral_1h_input_tokens",
    },
    frozenset({"startingat", "endingat", "uncachedinputtokens", "outputtokens"}),
    zone=UTC,
    beside=True,
    aggregate="A row is the sum of a bucket of time.",
    is_sum=True,
)
CLAUDE_CODE = Format(
    "Anthropic's report of Claude Code",
    "anthropic",
    {"username": ["actoremailaddress"], "model": ["model"], "requested_at": ["date"]},
    {
        "tokensinput": "input_tokens",
        "tokensoutput": "output_tokens",
        "tokenscacheread": "cache_read_input_tokens",
        "tokenscachecreation": "cache_creation_input_tokens",
    },
    frozenset({"date", "actortype", "model", "tokensinput", "tokensoutput", "tokenscacheread"}),
    zone=UTC,
    beside=True,
    aggregate="A row is the sum of a day, a person and a model.",
    is_sum=True,
)
CCUSAGE = Format(
    "ccusage",
    "ccusage",
    {"model": ["modelname"], "requested_at": ["date", "lastactivity"]},
    {
        "inputtokens": "input_tokens",
        "outputtokens": "output_tokens",
        "cachecreationtokens": "cache_creation_input_tokens",
        "cachereadtokens": "cache_read_input_tokens",
    },
    frozenset({"modelname", "modelsused", "inputtokens", "outputtokens", "cachecreationtokens", "cachereadtokens"}),
    beside=True,
    aggregate="A row is the sum of a day or session and a model.",
    is_sum=True,
)
_OPENAI_PARTS = frozenset(
    f"{side}{kind}tokens" for side in ("input", "output", "inputcached") for kind in ("text", "image", "audio")
)
_OPENAI = Format(
    "OpenAI's usage of the organisation",
    "openai",
    {
        "username": ["useremail", "username", "email", "userid"],
        "model": ["model"],
        "requested_at": ["starttime", "starttimeiso", "date"],
    },
    {
        "inputtokens": "prompt_tokens",
        "outputtokens": "completion_tokens",
        "inputcachedtokens": "cached_tokens",
        "reasoningtokens": "reasoning_tokens",
    },
    frozenset({"nummodelrequests", "inputtokens", "outputtokens"}),
    zone=UTC,
    beside=False,
    details=frozenset({"inputuncachedtokens", "inputcachewritetokens"}),
    is_sum=True,
)
OPENAI = (
    replace(_OPENAI, marks=_OPENAI.marks | {"inputtexttokens"}, details=_OPENAI.details | _OPENAI_PARTS),
    _OPENAI,
    replace(_OPENAI, marks=_OPENAI.marks - {"outputtokens"}, no_completion=True),
)
GITHUB = Format(
    "usage with the columns input, output, cache_read and cache_write",
    "files",
    {
        "id": ["id", "requestid", "messageid"],
        "username": ["username", "user", "login", "useremail", "email"],
        "model": ["model", "modelid"],
        "requested_at": ["timestamp", "date", "createdat", "time"],
        "session_id": ["sessionid"],
    },
    {
        "input": "input_tokens",
        "output": "output_tokens",
        "cacheread": "cache_read_input_tokens",
        "cachewrite": "cache_creation_input_tokens",
        "reasoning": "reasoning_tokens",
        "total": "total_tokens",
        "totaltokens": "total_tokens",
    },
    frozenset({"model", "input", "output", "cacheread", "cachewrite"}),
)
LANGFUSE = Format(
    "Langfuse's observations",
    "langfuse",
    {
        "id": ["id"],
        "username": ["userid", "user"],
        "model": ["model", "providedmodelname"],
        "requested_at": ["starttime"],
        "ended_at": ["endtime"],
        "type": ["type"],
        "level": ["level"],
        "session_id": ["sessionid", "traceid"],
    },
    {name: name for name in PARTS}
    | {"inputusage": "prompt_tokens", "outputusage": "completion_tokens", "totalusage": "total_tokens"},
    frozenset({"id", "traceid", "type", "starttime", "level"}),
    _langfuse,
    UTC,
)
HELICONE = Format(
    "Helicone's requests",
    "helicone",
    {
        "id": ["requestid", "responseid"],
        "username": ["requestuserid", "userid"],
        "model": ["requestmodel", "responsemodel", "modeloverride", "model"],
        "requested_at": ["requestcreatedat"],
        "status": ["responsestatus"],
        "latency_ms": ["delayms"],
        "cached_from": ["cachereferenceid"],
        "cached": ["cacheenabledhit", "cachehit"],
    },
    {
        "prompttokens": "prompt_tokens",
        "completiontokens": "completion_tokens",
        "totaltokens": "total_tokens",
        "promptcachereadtokens": "cache_read_tokens",
        "promptcachewritetokens": "cache_write_tokens",
        "reasoningtokens": "reasoning_tokens",
    },
    frozenset({"requestcreatedat", "prompttokens", "completiontokens"}),
    _helicone,
    UTC,
)
