"""Requests to models in log records: which events count, how much, and under which ids."""

from datetime import UTC, datetime
from typing import Any

import pytest

from portal.gateways.otlp import OtlpEntries, read_traces
from portal.gateways.otlp_logs import GEN_AI_EVENT, read_logs
from portal.rules.metering.usage import Rejected, Replay, UsageReport
from tests.gateways.otlp_bodies import NOON, TRACE, Sent, in_protobuf
from tests.gateways.otlp_log_bodies import CLAUDE_CODE, CODEX, Record, logs_in_json, logs_in_protobuf

SPAN = "eee19b7ec3c1b174"
GEMINI: dict[str, Any] = {
    "session.id": "s-9",
    "installation.id": "i-1",
    "user.email": "alice@example.org",
    "event.name": "gemini_cli.api_response",
    "event.timestamp": "2026-11-22T12:00:00.000Z",
    "model": "gemini-3-pro",
    "duration_ms": 1500,
    "input_token_count": 1000,
    "output_token_count": 50,
    "cached_content_token_count": 800,
    "thoughts_token_count": 200,
    "tool_token_count": 30,
    "total_token_count": 1280,
    "prompt_id": "p-1",
    "status_code": 200,
}
CONVENTION: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-5",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
    "user.id": "alice",
}


def read(*records: Record, **resource: Any) -> OtlpEntries:
    """Return the entries of these records, the same in both forms."""
    about = {name.replace("__", "."): value for name, value in resource.items()}
    found = read_logs(logs_in_protobuf(*records, resource=about), is_json=False, default_mode="native")
    again = read_logs(logs_in_json(*records, resource=about), is_json=True, default_mode="native")
    assert [_comparable(entry) for entry in again.entries] == [_comparable(entry) for entry in found.entries]
    assert again.ignored == found.ignored
    return found


def _comparable(entry: Any) -> Any:
    return entry if isinstance(entry, UsageReport) else type(entry)


def one(attributes: dict[str, Any], **record: Any) -> UsageReport:
    [entry] = read(Record(attributes, **record)).entries
    assert isinstance(entry, UsageReport), entry
    return entry


def tokens(report: UsageReport) -> tuple[int, int, int, int]:
    return report.prompt_tokens, report.completion_tokens, report.cached_tokens, report.reasoning_tokens


def test_claude_code_request_counts_with_its_caches() -> None:
    assert one(CLAUDE_CODE, body="claude_code.api_request") == UsageReport(
        id="claude_code/req_2",
        model="claude-z",
        mode="native",
        prompt_tokens=25_712,
        completion_tokens=300,
        username="alice@example.org",
        cached_tokens=25_000,
        requested_at=datetime(2026, 11, 22, 11, 59, 56, tzinfo=UTC),
        latency_ms=4000,
        session_id="s-1",
        from_log=True,
    )


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        pytest.param(
            Record(CLAUDE_CODE | {"input_tokens": "5000", "cache_read_tokens": "200"}, "claude_code.api_request"),
            (5_900, 300, 200, 0),
            id="Claude Code counts caches beside the input, also where they are smaller",
        ),
        pytest.param(
            Record({**CLAUDE_CODE, "event.name": ""}, name="claude_code.api_request"),
            (25_712, 300, 25_000, 0),
            id="the name of the event is a field",
        ),
        pytest.param(Record(CODEX), (9_000, 300, 7_000, 120), id="Codex"),
        pytest.param(
            Record(
                {
                    "event.name": "codex.sse_event",
                    "event.kind": "response.completed",
                    "model": "gpt-5-codex",
                    "gen_ai.usage.input_tokens": 12_000,
                    "gen_ai.usage.cache_read.input_tokens": 8_000,
                    "gen_ai.usage.cache_write.input_tokens": 500,
                    "gen_ai.usage.output_tokens": 900,
                    "codex.usage.reasoning_output_tokens": 250,
                    "codex.usage.total_tokens": 12_900,
                }
            ),
            (12_000, 900, 8_000, 250),
            id="Codex with the names of the conventions",
        ),
        pytest.param(Record(GEMINI), (1_030, 250, 800, 200), id="Gemini CLI: thoughts and tools are beside"),
        pytest.param(
            Record(GEMINI | {"event.name": "qwen-code.api_response", "tool_token_count": 0, "total_token_count": 1250}),
            (1_000, 250, 800, 200),
            id="a fork of it",
        ),
        pytest.param(Record(CONVENTION, name=GEN_AI_EVENT), (100, 20, 0, 0), id="the GenAI conventions"),
        pytest.param(
            Record(CONVENTION | {"event.name": GEN_AI_EVENT, "gen_ai.usage.cache_read.input_tokens": 60}),
            (100, 20, 60, 0),
            id="with the name in an attribute, and what was cached",
        ),
        pytest.param(Record(CONVENTION, body="asked a model"), (100, 20, 0, 0), id="a program's own record of a call"),
    ],
)
def test_events_of_requests_count(record: Record, expected: tuple[int, ...]) -> None:
    [entry] = read(record).entries
    assert isinstance(entry, UsageReport), entry
    assert tokens(entry) == expected


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(Record({}, "started"), id="a message"),
        pytest.param(Record(CLAUDE_CODE | {"event.name": "tool_result"}, "claude_code.tool_result"), id="a tool"),
        pytest.param(
            Record({"event.name": "api_error", "model": "m", "status_code": "529"}, "claude_code.api_error"),
            id="an error",
        ),
        pytest.param(Record(CODEX | {"event.kind": "response.created"}), id="another event of a stream"),
        pytest.param(
            Record({"event.name": "codex.sse_event", "event.kind": "response.completed", "error.message": "no"}),
            id="an answer that could not be read",
        ),
        pytest.param(
            Record(CONVENTION | {"event.name": "copilot_chat.agent.turn", "gen_ai.operation.name": "-"}), id="sums"
        ),
        pytest.param(Record(CONVENTION | {"gen_ai.operation.name": "invoke_agent"}, name=GEN_AI_EVENT), id="an agent"),
        pytest.param(
            Record(CONVENTION | {"event.name": GEN_AI_EVENT, "installation.id": "i-1"}),
            id="the second event that Gemini CLI sends of a request",
        ),
        pytest.param(
            Record(CONVENTION | {"event.name": GEN_AI_EVENT, "service.name": "gemini-cli"}),
            id="the same without the number of its installation",
        ),
    ],
)
def test_everything_else_is_ignored(record: Record) -> None:
    assert read(record) == OtlpEntries([], 1)


def test_counts_that_cannot_be_read_are_rejected_with_one_reason() -> None:
    found = read(Record(CODEX | {"output_token_count": "many"}), Record(CODEX | {"output_token_count": "few"}))
    reasons = {entry.reason for entry in found.entries if isinstance(entry, Rejected)}
    assert len(found.entries) == 2
    assert len(reasons) == 1


def test_record_without_time_or_model_is_rejected() -> None:
    untimed = {name: value for name, value in CODEX.items() if name != "event.timestamp"}
    unnamed = {name: value for name, value in CODEX.items() if name != "model"}
    [first, second] = read(Record(untimed, time=0, observed=0), Record(unnamed)).entries
    assert isinstance(first, Rejected)
    assert isinstance(second, Rejected)
    assert (first.reason, second.reason) == ("The log record has no time.", "gen_ai.request.model is missing.")


def test_stored_response_that_is_fetched_is_a_replay() -> None:
    attributes = CONVENTION | {"gen_ai.operation.name": "fetch_response"}
    assert read(Record(attributes, name=GEN_AI_EVENT, trace=TRACE, span=SPAN)).entries == [Replay(f"{TRACE}/{SPAN}")]


def test_time_is_the_records_else_the_events_else_the_observers() -> None:
    assert one(CODEX).requested_at == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert one(CODEX, time=0).requested_at == datetime(2026, 11, 22, 12, 0, 0, 250_000, UTC)
    observed = {name: value for name, value in CODEX.items() if name != "event.timestamp"}
    assert one(observed, time=0, observed=NOON + 10**9).requested_at == datetime(2026, 11, 22, 12, 0, 1, tzinfo=UTC)


def test_convention_event_has_the_id_of_its_span() -> None:
    event = one(CONVENTION, name=GEN_AI_EVENT, trace=TRACE, span=SPAN)
    [call] = read_traces(in_protobuf(Sent(CONVENTION)), is_json=False, default_mode="native").entries
    assert event.id == call.id == f"{TRACE}/{SPAN}"
    assert one(CONVENTION, name=GEN_AI_EVENT).id == "response/chatcmpl-1"


CLAUDE_SPAN = {
    "span.type": "llm_request",
    "session.id": "s-1",
    "model": "claude-z",
    "gen_ai.system": "anthropic",
    "gen_ai.request.model": "claude-z",
    "input_tokens": 12,
    "output_tokens": 300,
    "cache_read_tokens": 25_000,
    "cache_creation_tokens": 700,
    "duration_ms": 4_100,
    "request_id": "req_2",
    "success": True,
}


@pytest.mark.parametrize("left_out", ["", "request_id"])
def test_claude_code_names_a_request_alike_in_span_and_log(left_out: str) -> None:
    span = {name: value for name, value in CLAUDE_SPAN.items() if name != left_out}
    log = {name: value for name, value in CLAUDE_CODE.items() if name != left_out}
    [call] = read_traces(in_protobuf(Sent(span)), is_json=False, default_mode="native").entries
    event = one(log, body="claude_code.api_request")
    assert isinstance(call, UsageReport)
    assert (call.id, tokens(call)) == (event.id, tokens(event))
    other = one(log | {"output_tokens": "301", "request_id": "req_3"}, body="claude_code.api_request")
    assert other.id != event.id


def test_long_request_id_is_digested() -> None:
    assert len(one(CLAUDE_CODE | {"request_id": "r" * 256}, body="claude_code.api_request").id) < 100


def test_record_without_id_is_known_by_what_it_says() -> None:
    first, again = one(CODEX), one(dict(reversed(CODEX.items())))
    assert first.id == again.id
    assert first == again
    later, other = one(CODEX, time=NOON + 1), one(CODEX | {"output_token_count": "301"})
    assert len({first.id, later.id, other.id, one(CODEX | {"conversation.id": "conv-2"}).id}) == 4


def test_nothing_is_kept_of_prompts() -> None:
    record = Record(CLAUDE_CODE | {"prompt": "a secret", "response": "a secret"}, "claude_code.api_request")
    assert "secret" not in repr(read(record))
