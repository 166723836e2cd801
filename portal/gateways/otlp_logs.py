"""Read model calls from OpenTelemetry logs: events about requests to models, with their usage.

Sources: the documentation of the telemetry of Claude Code (`claude_code.api_request`), Codex (`codex.sse_event` of the
kind `response.completed`) and Gemini CLI (`gemini_cli.api_response`), which their forks follow, and the GenAI
conventions (`gen_ai.client.inference.operation.details`).

Decisions:
- Only events of these kinds count, and other events with a model and both counts of the GenAI conventions, unless they
  are special events of a program. All others are ignored: prompts, tools, errors, sums of turns and sessions.
- A request that is in a log record and in a span counts once, in either order. An event of the GenAI conventions
  belongs to the span with the same ids. Claude Code writes the provider's id of the request into both
  (`otlp.claude_id`). Codex and Gemini CLI have no common id, so their spans are ignored (`otlp_kinds.is_in_logs`).
  Gemini CLI sends two events of each request; the one of the GenAI conventions lacks some counts and is ignored.
- The id of a record without such an id is a digest of its content and time: sent again, it is a duplicate.
- Metrics are never counted. They are sums of many requests, which are also in the logs or traces.
"""

from datetime import datetime, timedelta

from portal.gateways.counts import TokenCounts
from portal.gateways.lenient_values import UnclearValue, as_latency, read_instant
from portal.gateways.log_records import LogRecord, read_records
from portal.gateways.otlp import CLAUDE, REQUEST, OtlpEntries, claude_id
from portal.gateways.otlp_calls import (
    ASKED,
    ERROR,
    PLAIN_MODEL,
    RESPONSE,
    SESSION_IDS,
    first_text,
    make_report,
    model_asked,
    wanted_attributes,
)
from portal.gateways.otlp_kinds import SERVICE, is_call, is_embedding, is_in_logs, is_replay
from portal.gateways.otlp_usage import COMPLETION, PROMPT, attribute_counts
from portal.rules.instants import instant_of_nanoseconds
from portal.rules.metering.usage import Entry, Rejected, Replay, UsageReport
from portal.rules.people.secrets import digest

GEN_AI_EVENT = "gen_ai.client.inference.operation.details"
_REQUESTS = frozenset({"api_request", "api_response"})
"""The last part of the names of events about one request."""
_STREAM, _COMPLETED = "sse_event", "response.completed"
"""Codex: the last part of an event's name, and the only kind with counts."""
_KIND, _DURATION, _TIMESTAMP, _GEMINI = "event.kind", "duration_ms", "event.timestamp", "installation.id"
_TOOLS, _TOOLS_OF_GEMINI = "tool_use_prompt_token_count", "tool_token_count"
_ORDER = ("event.sequence", "prompt.id", "prompt_id")
"""Attributes that differ between two otherwise equal records."""
_WANTED = wanted_attributes(REQUEST, _KIND, _DURATION, _TIMESTAMP, _GEMINI, _TOOLS_OF_GEMINI, *_ORDER)


def read_logs(body: bytes, *, is_json: bool, default_mode: str) -> OtlpEntries:
    """Return the model calls of an OTLP request of logs, in the order of its records.

    `default_mode` is for calls without a mode. Raises PortalError for a body that is not an OTLP request, and TooLarge
    for too many records.
    """
    records = read_records(body, _WANTED, is_json=is_json)
    entries = [record if isinstance(record, Rejected) else _entry(record, default_mode) for record in records]
    kept = [entry for entry in entries if entry is not None]
    return OtlpEntries(kept, len(entries) - len(kept))


def _entry(record: LogRecord, default_mode: str) -> Entry | None:
    """Return the entry of a record; None for a record that is not about a model call."""
    attributes, kind = record.attributes, record.event.rpartition(".")[2]
    is_plain = kind in _REQUESTS or (kind == _STREAM and first_text(attributes, 64, _KIND) == _COMPLETED)
    if not (is_plain or _is_convention(record)) or is_call(attributes) is False:
        return None
    if is_replay(attributes):
        return Replay(_span_id(record) or None)
    try:
        return _report(record, default_mode, is_plain=is_plain)
    except UnclearValue as unclear:
        return Rejected(None, str(unclear))


def _report(record: LogRecord, default_mode: str, *, is_plain: bool) -> UsageReport | None:
    """Return the report of a record; None if it has no counts. Raises UnclearValue."""
    attributes, has_failed = record.attributes, ERROR in record.attributes
    is_claude = is_plain and (
        record.event.startswith(CLAUDE) or first_text(attributes, 64, SERVICE).startswith("claude")
    )
    if _TOOLS_OF_GEMINI in attributes and record.event.endswith("api_response"):
        attributes = {**attributes, _TOOLS: attributes[_TOOLS_OF_GEMINI]}
    no_completion = has_failed or is_embedding(attributes)
    counts = attribute_counts(attributes, plain=is_plain, beside=is_claude, no_completion=no_completion)
    if counts is None:
        return None
    id = claude_id(attributes, counts) if is_claude else "" if is_plain else _span_id(record)
    took = as_latency(_number(attributes.get(_DURATION)))
    return make_report(
        attributes,
        id or _content_id(record, counts),
        counts,
        default_mode,
        _ended(record) - timedelta(milliseconds=took or 0),
        plain=is_plain,
        has_failed=has_failed,
        latency_ms=took,
        from_log=True,
    )


def _is_convention(record: LogRecord) -> bool:
    """Return whether a record is about one request, with counts of the GenAI conventions."""
    attributes = record.attributes
    if record.event == GEN_AI_EVENT:
        return _GEMINI not in attributes and not is_in_logs(attributes)
    is_of_request = is_call(attributes) is True or not record.event or record.event.startswith("gen_ai.")
    return is_of_request and PROMPT in attributes and COMPLETION in attributes and bool(model_asked(attributes))


def _span_id(record: LogRecord) -> str:
    """Return the id of a record's span; without a span, of the response; "" without both."""
    if record.trace_id and record.span_id:
        return f"{record.trace_id}/{record.span_id}"
    response = first_text(record.attributes, 200, *RESPONSE)
    return f"response/{response}" if response else ""


def _content_id(record: LogRecord, counts: TokenCounts) -> str:
    """Return an id made of the content of a record, the same when the record is sent again.

    Its content must not change in later releases, or records that are sent again would count twice.
    """
    attributes = record.attributes
    names = (PLAIN_MODEL, *ASKED), SESSION_IDS, *((name,) for name in (_TIMESTAMP, *_ORDER, *RESPONSE))
    content = [record.event, record.time or record.observed, counts.prompt, counts.completion, counts.cached]
    return f"log/{digest(repr((*content, *(first_text(attributes, 256, *each) for each in names))))}"


def _ended(record: LogRecord) -> datetime:
    """Return the time of a record, which is the end of its request. Raises UnclearValue."""
    stamp = first_text(record.attributes, 64, _TIMESTAMP)
    if stamp and not record.time:
        return read_instant(stamp, _TIMESTAMP)
    if not (record.time or record.observed):
        raise UnclearValue("The log record has no time.")
    return instant_of_nanoseconds(record.time or record.observed)


def _number(value: object) -> float:
    """Return a number or the number in a text; -1, which is not a duration, for other values."""
    try:
        return float(value) if isinstance(value, str | int | float) else -1
    except ValueError:
        return -1
