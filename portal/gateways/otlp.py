"""What instrumented programs and gateways report as OpenTelemetry traces: the spans in which a model was called.

Sources: OpenTelemetry's GenAI conventions (github.com/open-telemetry/semantic-conventions-genai) and what they were
called before, OpenLLMetry's (`llm.usage.*`, `traceloop.*`), OpenInference's (`llm.token_count.*`), Sentry's
(`gen_ai.usage.input_tokens.cached`). The newest name wins where a span has several.

Decisions:
- Only calls of a model count. Spans of agents, chains, workflows, tools and searches repeat what their calls used, and
  are ignored. A span that does not say what it is counts if it says what was used.
- Where calls lie in one another, as with two instrumentations, or a proxy's span around that of its client library, the
  innermost count: the outer one is ignored if one inside has the same response id, or, where an id is missing, if those
  inside used all that it claims. Whose they are, and how they count, they take from it unless they say it themselves.
  This can only be seen where both are in one request; two exporters, or a parent that comes with a later batch, are
  counted twice.
- What is counted is never guessed: a span with unreadable or half of its counts is rejected. By the conventions input
  includes what was cached, and output what was reasoned; that a sender leaves them out is believed only where the
  figures prove it: the part is larger than the whole, or the sender's own total says so.
- A failed call is shown with its error, and with no tokens if it says of none.
- Whose: the key of `portal.api_key_hash`, `portal.api_key` or LiteLLM's attributes; else the user of `portal.username`,
  `enduser.id`, `user.id` or `user.name`. What begins with `portal.` is the gateway's own word. None of this can be
  checked: a gateway must not hand on a user that a client named, nor a collector such attributes of strangers' spans.
- LiteLLM's spans do not tell a hit of its cache from a call; its own callback does (`gateways.litellm`).
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from portal.gateways.otlp_wire import Attributes, Value
from portal.gateways.spans import Span, read_spans
from portal.gateways.values import Unclear, latency, part_of, token_count, whole_counts
from portal.rules.pricing import MAX_COST_FACTOR
from portal.rules.secrets import as_digest, digest
from portal.rules.text import clip_line
from portal.rules.usage import Rejected, UsageReport

MOST_LEVELS = 16
"""Of calls in one another, through which a call is told whose it is; they cannot be meant to be more."""

_PROMPT = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.usage.prompt_tokens",
    "llm.token_count.prompt",
)
_COMPLETION = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.usage.completion_tokens",
    "llm.token_count.completion",
)
_TOTAL = ("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total")
_CACHED = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.input_tokens.cached",
    "gen_ai.usage.cached_input_tokens",
    "gen_ai.usage.cached_tokens",
    "llm.usage.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read",
    "llm.token_count.prompt_details.cache_input",
)
_WRITTEN = (
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.input_tokens.cache_write",
    "llm.usage.cache_creation_input_tokens",
    "llm.token_count.prompt_details.cache_write",
)
_REASONING = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.output_tokens.reasoning",
    "llm.usage.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
)
_ASKED = ("gen_ai.request.model", "llm.request.model", "llm.model_name", "embedding.model_name")
_SERVED = ("gen_ai.response.model", "llm.response.model")
_PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")
_SESSION = ("gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id")
_KEY = ("portal.api_key_hash", "portal.api_key", "litellm.api_key.hash", "metadata.user_api_key_hash")
_USER = ("portal.username", "enduser.id", "user.id", "user.name")
_OPERATION, _OPENINFERENCE = "gen_ai.operation.name", "openinference.span.kind"
_KIND = (_OPERATION, _OPENINFERENCE, "traceloop.span.kind", "llm.request.type")
_RESPONSE, _ERROR = "gen_ai.response.id", "error.type"
_MODE, _TEMPLATE, _FACTOR = "portal.mode", "portal.template", "portal.cost_factor"

_CONTEXT = (*_KEY, *_USER, *_SESSION, _MODE, _TEMPLATE, _FACTOR)
_WANTED = frozenset(
    (
        *_PROMPT, *_COMPLETION, *_TOTAL, *_CACHED, *_WRITTEN, *_REASONING, *_ASKED, *_SERVED, *_PROVIDER, *_KIND,
        *_CONTEXT, _RESPONSE, _ERROR,
    )
)  # fmt: skip

_EMBEDDINGS = frozenset({"embeddings", "embedding", "aembedding"})
_CALLS = _EMBEDDINGS | {
    *("chat", "text_completion", "generate_content", "completion", "llm"),
    *("acompletion", "atext_completion", "responses", "aresponses", "anthropic_messages"),  # as LiteLLM calls them
}
_OTHERS = frozenset(
    {
        *("create_agent", "invoke_agent", "invoke_workflow", "execute_tool", "plan", "retrieval"),
        *("search_memory", "create_memory", "update_memory", "upsert_memory", "delete_memory"),
        *("create_memory_store", "delete_memory_store"),
        *("workflow", "task", "agent", "tool"),
    }
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DECIMAL = re.compile(r"\d{1,4}(?:\.\d{1,12})?", re.ASCII)
_DIGITS = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Traces:
    """What was used, call by call, and how many spans are about something else."""

    entries: list[UsageReport | Rejected]
    ignored: int


def read_traces(body: bytes, *, is_json: bool, default_mode: str) -> Traces:
    """Return what an OTLP request reports, in the order of its spans; without any spans it is empty.

    `default_mode` is that of calls which name none. Raises PortalError for a body that is no OTLP request, and TooLarge
    for too many spans.
    """
    spans = list(read_spans(body, _WANTED, is_json=is_json))
    entries = [span if isinstance(span, Rejected) else _entry(span, default_mode) for span in spans]
    calls = {
        entry.id: _Call(span, entry.total_tokens, _text(span.said, 256, _RESPONSE))
        for span, entry in zip(spans, entries, strict=True)
        if isinstance(span, Span) and isinstance(entry, UsageReport)
    }
    parents = {_id(span): f"{span.trace_id}/{span.parent_id}" for span in spans if isinstance(span, Span)}
    outers = dict(_enclosing(calls, parents))
    repeated = _told_by_others(calls, outers)
    kept = [entry for entry in entries if entry is not None and entry.id not in repeated]
    for index, entry in enumerate(kept):
        if entry.id in calls and outers.get(entry.id) in repeated:
            span = _in_context(calls[entry.id].span, calls, outers, repeated)
            kept[index] = _entry(span, default_mode) or entry
    return Traces(kept, len(spans) - len(kept))


def _entry(span: Span, default_mode: str) -> UsageReport | Rejected | None:
    """Return the call of a model that a span is about, or None."""
    is_call = _is_call(span.said)
    uses = any(name in span.said for name in (*_PROMPT, *_COMPLETION, *_TOTAL))
    has_failed = span.has_failed or _ERROR in span.said
    if is_call is False or not (uses or (is_call and has_failed and _text(span.said, 200, *_ASKED))):
        return None
    if not (span.trace_id and span.span_id):
        return Rejected(None, "The span has no proper trace id and span id.")
    try:
        return _report(span, default_mode, uses=uses, has_failed=has_failed)
    except Unclear as unclear:
        return Rejected(_id(span), str(unclear))


def _is_call(said: Attributes) -> bool | None:
    """Say whether a span is the call of a model; None where it does not say, or in words that nobody has agreed on.

    OpenInference requires every span to have its kind, of which only LLM and EMBEDDING are calls.
    """
    for name in _KIND:
        word = _text(said, 64, name).lower()
        if word in _CALLS:
            return True
        if word in _OTHERS or (name == _OPENINFERENCE and word not in {"", "unknown"}):
            return False
    return None


def _report(span: Span, default_mode: str, *, uses: bool, has_failed: bool) -> UsageReport:
    """Return the call that a span is about. Raises Unclear."""
    said = span.said
    prompt, completion, cached, reasoning = _usage(said, has_failed=has_failed) if uses else (0, 0, 0, 0)
    served = _text(said, 200, *_SERVED)
    model = _text(said, 200, *_ASKED) or served
    if not model:
        raise Unclear(f"{_ASKED[0]} is missing.")
    if not span.start:
        raise Unclear("The span has no start time.")
    key_hash, username = _whose(said)
    return UsageReport(
        id=_id(span),
        model=model,
        provider_model=_provider_model(said, model, served),
        mode=_text(said, 64, _MODE) or default_mode,
        prompt_tokens=prompt,
        completion_tokens=completion,
        key_hash=key_hash,
        username=username,
        cached_tokens=cached,
        reasoning_tokens=reasoning,
        status=_status(said) if has_failed else "ok",
        requested_at=_EPOCH + timedelta(microseconds=span.start // 1000),
        latency_ms=latency((span.end - span.start) / 1_000_000) if span.end else None,
        template=_text(said, 64, _TEMPLATE) or None,
        cost_factor=_cost_factor(said.get(_FACTOR)),
        session_id=_text(said, 256, *_SESSION) or None,
    )


def _id(span: Span) -> str:
    return f"{span.trace_id}/{span.span_id}"


def _text(said: Attributes, longest: int, *names: str) -> str:
    """Return the first text that one of the attributes has, cut; "" without any."""
    return next(filter(None, (clip_line(str(said[name]), longest) for name in names if name in said)), "")


def _provider_model(said: Attributes, model: str, served: str) -> str | None:
    """Return which model answered, with its provider: `openai/gpt-4o-2024-08-06`; None if that says nothing new."""
    provider, answered = _text(said, 64, *_PROVIDER), served or model
    if provider and not answered.startswith(f"{provider}/"):
        answered = f"{provider}/{answered}"[:200].rstrip()
    return answered if answered != model else None


def _status(said: Attributes) -> str:
    found = _text(said, 64, _ERROR)
    return found if found not in {"", "ok"} else "error"


def _cost_factor(said: Value | None) -> Decimal | None:
    if said is None:
        return None
    if not _DECIMAL.fullmatch(str(said)) or Decimal(str(said)) > MAX_COST_FACTOR:
        raise Unclear(f"{_FACTOR} lies between 0 and {MAX_COST_FACTOR}, with at most 12 decimals.")
    return Decimal(str(said))


def _whose(said: Attributes) -> tuple[str | None, str | None]:
    """Return the digest of the key a call was made with, or the name of a user.

    What should be a digest is digested if it is none, since raw keys come there too, and where nothing is known, the
    digest is that of nothing. A name is never cut: it could become another one's.
    """
    for name in _KEY:
        if name in said:
            text = str(said[name])
            return digest(text) if name == "portal.api_key" else as_digest(text), None
    names = (_text(said, 65, name).lower() for name in _USER)
    found = next((name for name in names if 0 < len(name) <= 64), None)
    return (None, found) if found else (digest(""), None)


def _usage(said: Attributes, *, has_failed: bool) -> tuple[int, int, int, int]:
    """Return prompt, completion, cached and reasoning tokens. Raises Unclear."""
    total = _count(said, _TOTAL)
    prompt, completion = _said_tokens(said, total, has_failed=has_failed)
    cached, written, reasoning = (_part(said, names) for names in (_CACHED, _WRITTEN, _REASONING))
    prompt, completion = whole_counts(prompt, completion, cached + written, reasoning, total)
    token_count(prompt, _PROMPT[0])
    token_count(completion, _COMPLETION[0])
    return prompt, completion, part_of(prompt, cached), part_of(completion, reasoning)


def _said_tokens(said: Attributes, total: int | None, *, has_failed: bool) -> tuple[int, int]:
    """Return prompt and completion tokens as they are said, or follow from the total. Raises Unclear.

    Embeddings have no output, and a failed call need not have come to it.
    """
    prompt, completion = _count(said, _PROMPT), _count(said, _COMPLETION)
    embeds = any(_text(said, 64, name).lower() in _EMBEDDINGS for name in _KIND)
    if completion is None and (embeds or has_failed) and (prompt is None or total is None):
        completion = 0
    if prompt is None and has_failed and total is None:
        prompt = 0
    if prompt is None and completion is not None and total is not None:
        prompt = total - completion
    if completion is None and prompt is not None and total is not None:
        completion = total - prompt
    return token_count(prompt, _PROMPT[0]), token_count(completion, _COMPLETION[0])


def _count(said: Attributes, names: tuple[str, ...]) -> int | None:
    """Return a number of tokens, of whatever type it was sent. Raises Unclear."""
    for name in names:
        if name in said:
            value = said[name]
            is_text = isinstance(value, str) and _DIGITS.fullmatch(value)
            return token_count(int(value) if is_text else value, name)
    return None


def _part(said: Attributes, names: tuple[str, ...]) -> int:
    """Return how many tokens were of a kind; 0 where nothing sensible is said, since the sum is known."""
    try:
        return _count(said, names) or 0
    except Unclear:
        return 0


@dataclass(frozen=True, slots=True)
class _Call:
    """A call of a model: its span, how much it used, and the provider's id of the answer, "" without one."""

    span: Span
    tokens: int
    response: str


def _told_by_others(calls: Mapping[str, _Call], outers: Mapping[str, str]) -> set[str]:
    """Return those calls that only repeat the calls inside them."""
    inside: dict[str, list[_Call]] = defaultdict(list)
    for inner, outer in outers.items():
        inside[outer].append(calls[inner])
    return {outer for outer, inner in inside.items() if _repeats(calls[outer], inner)}


def _repeats(outer: _Call, inside: list[_Call]) -> bool:
    if outer.response and any(inner.response == outer.response for inner in inside):
        return True
    unknown = [inner.tokens for inner in inside if not (inner.response and outer.response)]
    return bool(unknown) and sum(unknown) >= outer.tokens


def _in_context(span: Span, calls: Mapping[str, _Call], outers: Mapping[str, str], repeated: Collection[str]) -> Span:
    """Return a call with what those around it, which are ignored for it, say of whose it is and how it counts."""
    said, outer = span.said, outers.get(_id(span), "")
    for _ in range(MOST_LEVELS):
        if outer not in repeated:
            break
        around = calls[outer].span.said
        said = {name: around[name] for name in _CONTEXT if name in around} | dict(said)
        outer = outers.get(outer, "")
    return replace(span, said=said)


def _enclosing(calls: Mapping[str, _Call], parents: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each call that lies in another one, and the nearest such; every span is passed once, also in circles."""
    nearest: dict[str, str] = {}
    for inner in calls:
        passed, at = {inner}, parents[inner]
        while at in parents and at not in calls and at not in nearest and at not in passed:
            passed.add(at)
            at = parents[at]
        outer = at if at in calls else nearest.get(at, "")
        nearest |= dict.fromkeys(passed - {inner}, outer)
        if outer and outer != inner:
            yield inner, outer
