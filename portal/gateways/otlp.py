"""Read model calls from OpenTelemetry traces of instrumented programs and gateways.

Sources: OpenTelemetry's GenAI conventions (github.com/open-telemetry/semantic-conventions-genai) with their older
names, OpenLLMetry's (`llm.usage.*`, `traceloop.*`), OpenInference's (`llm.token_count.*`), Sentry's
(`gen_ai.usage.input_tokens.cached`), and the spans of Vercel's AI SDK, pydantic-ai, Langfuse, LangSmith, MLflow and
Claude Code.

Decisions:
- Only calls of a model count. Spans of agents, chains, workflows, tools and searches repeat the usage of the calls
  inside them, and are ignored. A span of unknown kind counts if it has usage, unless there are calls inside it.
- Calls may be nested: two instrumentations report the same call, or a proxy's span contains that of its client library.
  Then the innermost calls count. The outer one is ignored if an inner one has the same response id, or, if an id is
  missing, if the inner ones used all of its tokens. Inner calls take the account, mode, template and cost factor of the
  outer one if they have none. This works only where all spans are in one request; with two exporters, or a parent in a
  later batch, both are counted.
- A call without usage is stored as a call without counts, unless an outer or inner call has the usage.
- Counts are never guessed: a span with an invalid count, or with only one of the two, is rejected.
- A failed call is stored with its error, and with 0 tokens if it reports none.
- Claude Code may send a span and a log record of each request: both have the same id (`program_id`), so one counts.
- A span that fetches a stored response repeats the usage of the call that created it: a replay, which is never billed.
  Only LiteLLM's polls report the usage of a batch: the first poll with usage counts, under the batch's id.
- LiteLLM's spans do not say whether its cache answered; its own callback does (`gateways.litellm`).
"""

from dataclasses import dataclass, replace

from portal.gateways.counts import TokenCounts
from portal.gateways.lenient_values import UnclearValue, as_latency
from portal.gateways.otlp_calls import (
    ASKED,
    ERROR,
    NO_MODEL,
    RESPONSE,
    batch_id,
    first_text,
    make_report,
    model_asked,
    program_id,
    wanted_attributes,
)
from portal.gateways.otlp_kinds import CLAUDE_CODE, is_call, is_embedding, is_in_logs, is_replay
from portal.gateways.otlp_nesting import Call, Nesting, in_context, nest_calls, span_key
from portal.gateways.otlp_usage import attribute_counts
from portal.gateways.otlp_wire import Attributes, Span, read_spans
from portal.rules.instants import instant_of_nanoseconds
from portal.rules.metering.usage import Entry, Rejected, Replay, UsageReport

CLAUDE = "claude_code"
"""The prefix of the ids of Claude Code's requests."""
SUCCESS, REQUEST = "success", "request_id"
"""Attributes of Claude Code: how a request ended, and the provider's id of it."""
_WANTED = wanted_attributes(REQUEST, truths={SUCCESS})
_REFUSED = {NO_MODEL}


@dataclass(frozen=True, slots=True)
class OtlpEntries:
    """The entries of an OTLP request, and the number of spans or log records that are not about usage."""

    entries: list[Entry]
    ignored: int


def read_traces(body: bytes, *, is_json: bool, default_mode: str) -> OtlpEntries:
    """Return the model calls of an OTLP request, in the order of its spans.

    `default_mode` is for calls without a mode. Raises PortalError for a body that is not an OTLP request, and TooLarge
    for too many spans.
    """
    spans = list(read_spans(body, _WANTED, is_json=is_json))
    entries = [span if isinstance(span, Rejected) else _entry(span, default_mode) for span in spans]
    found = list(zip(spans, entries, strict=True))
    calls = {span_key(s): _call(s, e) for s, e in found if isinstance(s, Span) and isinstance(e, UsageReport)}
    nesting = nest_calls(calls, (span for span in spans if isinstance(span, Span)))
    kept = [
        _with_context(span, entry, calls, nesting, default_mode)
        for span, entry in found
        if entry is not None and not (isinstance(span, Span) and _is_repeated(span, entry, nesting))
    ]
    return OtlpEntries(kept, len(spans) - len(kept))


def _is_repeated(span: Span, entry: Entry, nesting: Nesting) -> bool:
    """Return whether a span only repeats calls inside it; a span without a model repeats any call inside it."""
    if isinstance(entry, Rejected):
        return entry.reason in _REFUSED and span_key(span) in nesting.around
    return isinstance(entry, UsageReport) and span_key(span) in nesting.repeated


def _with_context(
    span: Span | Rejected, entry: Entry, calls: dict[str, Call], nesting: Nesting, default_mode: str
) -> Entry:
    """Return an entry, with missing attributes from outer calls that are ignored because of the entry."""
    if not isinstance(span, Span) or not isinstance(entry, UsageReport):
        return entry
    if nesting.outers.get(span_key(span)) not in nesting.repeated:
        return entry
    return _entry(in_context(span, calls, nesting), default_mode) or entry


def _call(span: Span, entry: UsageReport) -> Call:
    return Call(
        span,
        entry.total_tokens,
        first_text(span.attributes, 256, *RESPONSE),
        has_failed=entry.status != "ok",
        is_silent=entry.without_counts is True,
        is_named=is_call(span.attributes) is True,
    )


def _entry(span: Span, default_mode: str) -> Entry | None:
    """Return the entry of a span; None for a span that is not a model call."""
    attributes = span.attributes
    if is_call(attributes) is False or is_in_logs(attributes):
        return None
    id = span_key(span) if span.trace_id and span.span_id else None
    try:
        if is_replay(attributes):
            return _polled(span, default_mode) or Replay(id)
        return _report(span, id, default_mode)
    except UnclearValue as unclear:
        return Rejected(id, str(unclear))


def _report(span: Span, id: str | None, default_mode: str) -> UsageReport | None:
    """Return the report of a span; None for a span that is not a model call. Raises UnclearValue."""
    attributes = span.attributes
    has_failed = span.has_failed or ERROR in attributes or attributes.get(SUCCESS) == "false"
    is_claude = attributes.get(CLAUDE_CODE) == "llm_request"
    no_completion = has_failed or is_embedding(attributes)
    counts = attribute_counts(attributes, plain=is_claude, beside=is_claude, no_completion=no_completion)
    if counts is None and not (is_call(attributes) and model_asked(attributes, plain=is_claude)):
        return None
    if id is None:
        raise UnclearValue("The span has no proper trace id and span id.")
    if not span.start:
        raise UnclearValue("The span has no start time.")
    return make_report(
        attributes,
        claude_id(attributes, counts) if is_claude and counts and not has_failed else id,
        counts,
        default_mode,
        instant_of_nanoseconds(span.start),
        plain=is_claude,
        has_failed=has_failed,
        latency_ms=as_latency((span.end - span.start) / 1_000_000) if span.end else None,
    )


def _polled(span: Span, default_mode: str) -> UsageReport | None:
    """Return the report of a batch from a poll that has its usage; None without usage. Raises UnclearValue."""
    batch, attributes = batch_id(span.attributes), span.attributes
    if not model_asked(attributes):  # a read by id names no model
        attributes = {**attributes, ASKED[0]: "unknown-model"}
    polled = _report(replace(span, attributes=attributes), batch, default_mode) if batch else None
    return replace(polled, latency_ms=None, is_only_one=True) if polled and polled.total_tokens else None


def claude_id(attributes: Attributes, counts: TokenCounts) -> str:
    """Return the id of a request of Claude Code, the same for its span and its log record."""
    return program_id(
        CLAUDE, attributes, model_asked(attributes, plain=True), counts, first_text(attributes, 256, REQUEST)
    )
