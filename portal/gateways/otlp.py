"""What instrumented programs and gateways report as OpenTelemetry traces: the spans in which a model was called.

Sources: OpenTelemetry's GenAI conventions (github.com/open-telemetry/semantic-conventions-genai) and what they were
called before, OpenLLMetry's (`llm.usage.*`, `traceloop.*`), OpenInference's (`llm.token_count.*`), Sentry's
(`gen_ai.usage.input_tokens.cached`), and the spans of Vercel's AI SDK, pydantic-ai, Langfuse, LangSmith, MLflow and
Claude Code.

Decisions:
- Only calls of a model count. Spans of agents, chains, workflows, tools and searches repeat what their calls used, and
  are ignored. A span that does not say what it is counts if it says what was used, unless calls lie in it.
- Where calls lie in one another, as with two instrumentations, or a proxy's span around that of its client library, the
  innermost count: the outer one is ignored if one inside has the same response id, or, where an id is missing, if those
  inside used all that it claims. Account, mode, template and cost factor are taken from it where they name none.
  This can only be seen where both are in one request; with two exporters, or a parent in a later batch, both are
  counted.
- A call without usage is stored as one without counts, unless one around it or inside says what was used.
- Counts are never guessed: a span with unreadable or half of its counts is rejected.
- A failed call is shown with its error, and with no tokens if it says of none.
- Claude Code may send a span and a log record of each request: both have the same id (`program_id`), so one counts.
- A span that fetches a stored response repeats the usage of the call that made it: a replay, which is never billed. The
  usage of a batch is only in LiteLLM's polls of it: the first poll with usage counts, under the batch's id.
- LiteLLM's spans do not tell a hit of its cache from a call; its own callback does (`gateways.litellm`).
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
from portal.rules.usage import Entry, Rejected, Replay, UsageReport

CLAUDE = "claude_code"
"""What the ids of Claude Code's requests begin with."""
SUCCESS, REQUEST = "success", "request_id"
"""Attributes of Claude Code: how a request ended, and the provider's id of it."""
_WANTED = wanted_attributes(REQUEST, truths={SUCCESS})
_REFUSED = {NO_MODEL}


@dataclass(frozen=True, slots=True)
class OtlpEntries:
    """What was used, call by call, and how many spans are about something else."""

    entries: list[Entry]
    ignored: int


def read_traces(body: bytes, *, is_json: bool, default_mode: str) -> OtlpEntries:
    """Return what an OTLP request reports, in the order of its spans; without any spans it is empty.

    `default_mode` is that of calls which name none. Raises PortalError for a body that is no OTLP request, and TooLarge
    for too many spans.
    """
    spans = list(read_spans(body, _WANTED, is_json=is_json))
    entries = [span if isinstance(span, Rejected) else _entry(span, default_mode) for span in spans]
    found = list(zip(spans, entries, strict=True))
    calls = {span_key(s): _call(s, e) for s, e in found if isinstance(s, Span) and isinstance(e, UsageReport)}
    nesting = nest_calls(calls, (span for span in spans if isinstance(span, Span)))
    kept = [
        _whole(span, entry, calls, nesting, default_mode)
        for span, entry in found
        if entry is not None and not (isinstance(span, Span) and _is_repeated(span, entry, nesting))
    ]
    return OtlpEntries(kept, len(spans) - len(kept))


def _is_repeated(span: Span, entry: Entry, nesting: Nesting) -> bool:
    """Say whether a span only repeats calls that lie in it; a span without a model always does."""
    if isinstance(entry, Rejected):
        return entry.reason in _REFUSED and span_key(span) in nesting.around
    return isinstance(entry, UsageReport) and span_key(span) in nesting.repeated


def _whole(span: Span | Rejected, entry: Entry, calls: dict[str, Call], nesting: Nesting, default_mode: str) -> Entry:
    """Return an entry with what calls around it, which are ignored for it, say of it."""
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
    """Return the call of a model that a span is about, or None."""
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
    """Return the call that a span is about; None for a span that is about none. Raises UnclearValue."""
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
    """Return the batch of a poll that has its usage; None for a span without usage. Raises UnclearValue."""
    batch, attributes = batch_id(span.attributes), span.attributes
    if not model_asked(attributes):  # it was read by its id alone
        attributes = {**attributes, ASKED[0]: "unknown-model"}
    polled = _report(replace(span, attributes=attributes), batch, default_mode) if batch else None
    return replace(polled, latency_ms=None, is_only_one=True) if polled and polled.total_tokens else None


def claude_id(attributes: Attributes, counts: TokenCounts) -> str:
    """Return the id of a request of Claude Code, the same for its span and its log record."""
    return program_id(
        CLAUDE, attributes, model_asked(attributes, plain=True), counts, first_text(attributes, 256, REQUEST)
    )
