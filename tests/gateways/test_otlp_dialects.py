"""What the instrumentations of our time write into spans, as their sources and documentation have it."""

from typing import Any

import pytest

from portal.gateways.otlp import OtlpEntries, read_traces
from portal.rules.metering.usage import Replay, UsageReport
from tests.gateways.otlp_bodies import TRACE, Sent, in_json, in_protobuf

SPAN = "eee19b7ec3c1b174"


def read(*spans: Sent, **resource: Any) -> OtlpEntries:
    about = {name.replace("__", "."): value for name, value in resource.items()}
    found = read_traces(in_protobuf(*spans, resource=about), is_json=False, default_mode="native")
    assert read_traces(in_json(*spans, resource=about), is_json=True, default_mode="native") == found
    return found


def one(attributes: dict[str, Any], **sent: Any) -> UsageReport:
    [entry] = read(Sent(attributes, **sent)).entries
    assert isinstance(entry, UsageReport), entry
    return entry


def langfuse(details: str, **attributes: Any) -> dict[str, Any]:
    return {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "m",
        "langfuse.observation.usage_details": details,
        **{name.replace("__", "."): value for name, value in attributes.items()},
    }


CLAUDE: dict[str, Any] = {
    "span.type": "llm_request",
    "session.id": "s-1",
    "model": "claude-z",
    "gen_ai.system": "anthropic",
    "gen_ai.request.model": "claude-z",
    "input_tokens": 5_000,
    "output_tokens": 80,
    "cache_read_tokens": 200,
    "cache_creation_tokens": 0,
    "request_id": "req_1",
    "success": True,
}
AI_SDK: dict[str, Any] = {
    "operation.name": "ai.streamText.doStream",
    "ai.operationId": "ai.streamText.doStream",
    "ai.model.id": "m",
    "ai.model.provider": "openai.responses",
    "gen_ai.system": "openai.responses",
    "gen_ai.request.model": "m",
    "gen_ai.usage.input_tokens": 1_000,
    "gen_ai.usage.output_tokens": 200,
    "ai.usage.inputTokens": 1_000,
    "ai.usage.outputTokens": 200,
    "ai.usage.totalTokens": 1_200,
}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        pytest.param(
            AI_SDK
            | {
                "ai.usage.inputTokenDetails.noCacheTokens": 100,
                "ai.usage.inputTokenDetails.cacheReadTokens": 850,
                "ai.usage.inputTokenDetails.cacheWriteTokens": 50,
                "ai.usage.outputTokenDetails.textTokens": 40,
                "ai.usage.outputTokenDetails.reasoningTokens": 160,
            },
            (1_000, 200, 850, 160),
            id="AI SDK 6",
        ),
        pytest.param(
            {
                "ai.operationId": "ai.generateObject.doGenerate",
                "ai.model.id": "m",
                "ai.usage.promptTokens": 30,
                "ai.usage.completionTokens": 4,
            },
            (30, 4, 0, 0),
            id="AI SDK 4, without the conventions",
        ),
        pytest.param(
            {"ai.operationId": "ai.embedMany.doEmbed", "ai.model.id": "m", "ai.usage.tokens": 12},
            (12, 0, 0, 0),
            id="AI SDK: embeddings",
        ),
        pytest.param(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "m",
                "gen_ai.usage.input_tokens": 100,
                "gen_ai.usage.output_tokens": 50,
                "gen_ai.usage.cache_read.input_tokens": 60,
                "gen_ai.usage.details.cache_read_tokens": 60,
                "gen_ai.usage.details.reasoning_tokens": 20,
                "gen_ai.usage.details.input_audio_tokens": 7,
            },
            (100, 50, 60, 20),
            id="pydantic-ai",
        ),
        pytest.param(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "m",
                "gen_ai.usage.input_tokens": 5_000,
                "gen_ai.usage.output_tokens": 50,
                "gen_ai.usage.cache_read.input_tokens": 200,
            },
            (5_000, 50, 200, 0),
            id="the conventions count caches inside, also with Anthropic's names",
        ),
        pytest.param(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": "m",
                "gen_ai.usage.input_tokens": 500,
                "gen_ai.usage.output_tokens": 40,
                "gen_ai.usage.prompt_tokens_details.cache_read": 4_000,
                "gen_ai.usage.prompt_tokens_details.cache_write": 300,
                "gen_ai.usage.completion_tokens_details.reasoning": 30,
            },
            (4_800, 40, 4_000, 30),
            id="OpenLIT, with caches beside the input",
        ),
        pytest.param(langfuse('{"input": 100, "output": 20}'), (100, 20, 0, 0), id="Langfuse"),
        pytest.param(
            langfuse('{"input": 300, "input_cached_tokens": 200, "output": 40, "output_reasoning_tokens": 10}'),
            (500, 50, 200, 10),
            id="Langfuse: each part is beside the others",
        ),
        pytest.param(
            langfuse('{"input": 300, "input_cached_tokens": 200, "output": 40, "total": 340}'),
            (300, 40, 200, 0),
            id="Langfuse, but the total says otherwise",
        ),
        pytest.param(
            langfuse(
                '{"prompt_tokens": 300, "completion_tokens": 40, "total_tokens": 340,'
                ' "prompt_tokens_details": {"cached_tokens": 200},'
                ' "completion_tokens_details": {"reasoning_tokens": 9}}'
            ),
            (300, 40, 200, 9),
            id="Langfuse with OpenAI's object",
        ),
        pytest.param(
            langfuse(
                '{"input": 12, "output": 300, "cache_read_input_tokens": 25000, "cache_creation_input_tokens": 700}'
            ),
            (25_712, 300, 25_000, 0),
            id="Langfuse with Anthropic's counts",
        ),
        pytest.param(
            {
                "langsmith.span.kind": "llm",
                "gen_ai.request.model": "m",
                "gen_ai.usage.input_tokens": 90,
                "gen_ai.usage.output_tokens": 9,
                "gen_ai.usage.input_token_details": '{"cache_read": 80}',
                "gen_ai.usage.output_token_details": '{"reasoning": 5}',
            },
            (90, 9, 80, 5),
            id="LangSmith: details as JSON",
        ),
        pytest.param(
            {
                "mlflow.spanType": '"CHAT_MODEL"',
                "gen_ai.request.model": "m",
                "mlflow.chat.tokenUsage": '{"input_tokens": 90, "output_tokens": 9, "total_tokens": 99}',
            },
            (90, 9, 0, 0),
            id="MLflow: all of it as JSON",
        ),
        pytest.param(CLAUDE, (5_200, 80, 200, 0), id="Claude Code counts caches beside"),
    ],
)
def test_counts_of_a_call(attributes: dict[str, Any], expected: tuple[int, ...]) -> None:
    report = one(attributes)
    assert (report.prompt_tokens, report.completion_tokens, report.cached_tokens, report.reasoning_tokens) == expected
    assert report.without_counts is None


USED = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 10}


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({**AI_SDK, "ai.operationId": "ai.streamText"}, id="AI SDK: around its call"),
        pytest.param({"ai.operationId": "ai.embed", "ai.model.id": "m", "ai.usage.tokens": 12}, id="AI SDK: embed"),
        pytest.param({"ai.operationId": "ai.toolCall", **USED}, id="AI SDK: a tool"),
        pytest.param(
            {"agent_name": "helper", "model_name": "gpt-5", "all_messages_events": "[]", **USED},
            id="pydantic-ai, older",
        ),
        pytest.param(
            {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": "helper",
                "model_name": "gpt-5",
                "gen_ai.aggregated_usage.input_tokens": 100,
            },
            id="pydantic-ai, newer",
        ),
        pytest.param({"gen_ai.operation.name": "create_agent", "gen_ai.request.model": "m", **USED}, id="create_agent"),
        *(
            pytest.param(
                langfuse('{"input": 1, "output": 1}') | {"langfuse.observation.type": kind}, id=f"Langfuse {kind}"
            )
            for kind in ("span", "agent", "tool", "chain", "retriever", "evaluator", "guardrail", "event")
        ),
        *(
            pytest.param({"traceloop.span.kind": kind, "gen_ai.request.model": "m", **USED}, id=f"LangGraph {kind}")
            for kind in ("workflow", "task", "agent", "tool")
        ),
        pytest.param({"langsmith.span.kind": "chain", "gen_ai.request.model": "m", **USED}, id="LangSmith"),
        pytest.param({"mlflow.spanType": '"AGENT"', "gen_ai.request.model": "m", **USED}, id="MLflow"),
        pytest.param({"span.type": "interaction", "session.id": "s-1"}, id="Claude Code: an interaction"),
        pytest.param(
            {"span.type": "tool", "tool_name": "Bash", "input_tokens": 9, "output_tokens": 9}, id="and a tool"
        ),
        pytest.param(
            USED | {"gen_ai.usage.cache_read.input_tokens": 5, "codex.usage.total_tokens": 110},
            id="Codex, as in its logs",
        ),
        pytest.param({"input_tokens": 9, "output_tokens": 9, "model": "m"}, id="names that may be anything"),
    ],
)
def test_what_repeats_other_calls_is_ignored(attributes: dict[str, Any]) -> None:
    assert read(Sent(attributes)) == OtlpEntries([], 1)


def test_gemini_cli_spans_are_ignored() -> None:
    attributes = {"gen_ai.operation.name": "llm_call", "gen_ai.request.model": "gemini-3-pro", **USED}
    assert read(Sent(attributes), service__name="gemini-cli") == OtlpEntries([], 1)


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}, id="the conventions"),
        pytest.param({"llm.request.type": "chat", "gen_ai.request.model": "m"}, id="OpenLLMetry"),
        pytest.param({"openinference.span.kind": "LLM", "llm.model_name": "m"}, id="OpenInference"),
        pytest.param(langfuse("{}"), id="Langfuse"),
        pytest.param({"ai.operationId": "ai.rerank.doRerank", "ai.model.id": "m"}, id="AI SDK: reranking"),
        pytest.param(
            {"ai.operationId": "ai.embed.doEmbed", "ai.model.id": "m", "ai.usage.tokens": float("nan")},
            id="AI SDK: NaN",
        ),
        pytest.param({"gen_ai.operation.name": "image_generation", "gen_ai.request.model": "m"}, id="an image"),
        pytest.param({"span.type": "llm_request", "model": "m", "request_id": "req_9"}, id="Claude Code, aborted"),
    ],
)
def test_call_without_usage_is_one_without_counts(attributes: dict[str, Any]) -> None:
    [entry] = read_traces(in_protobuf(Sent(attributes)), is_json=False, default_mode="native").entries
    assert isinstance(entry, UsageReport)
    assert (entry.id, entry.model, entry.total_tokens, entry.status) == (f"{TRACE}/{SPAN}", "m", 0, "ok")
    assert entry.without_counts is True


def test_failed_call_of_claude_code_has_its_own_id() -> None:
    report = one(
        {"span.type": "llm_request", "model": "m", "success": False, "status_code": 529, "request_id": "req_1"}
    )
    assert (report.id, report.status, report.without_counts) == (f"{TRACE}/{SPAN}", "error", None)


@pytest.mark.parametrize("operation", ["fetch_response", "aget_responses", "acancel_responses", "alist_input_items"])
def test_reading_a_stored_response_is_a_replay(operation: str) -> None:
    attributes = {"gen_ai.operation.name": operation, "gen_ai.response.model": "m", **USED}
    assert read(Sent(attributes)).entries == [Replay(f"{TRACE}/{SPAN}")]


@pytest.mark.parametrize(
    ("attributes", "username"),
    [
        ({"user.email": "Alice@Example.org", "user.id": "0" * 64}, "alice@example.org"),
        ({"enduser.id": "alice", "user.email": "bob@example.org"}, "alice"),
        ({"langfuse.user.id": "alice"}, "alice"),
        ({"traceloop.association.properties.user_id": "alice"}, "alice"),
        ({"ai.telemetry.metadata.userId": "alice"}, "alice"),
        ({"user.email": f"{'a' * 100}@example.org"}, f"{'a' * 100}@example.org"),
        ({"user.email": "a" * 65, "user.id": "alice"}, "alice"),
    ],
)
def test_people_by_email_and_by_what_instrumentations_call_them(attributes: dict[str, Any], username: str) -> None:
    assert one({"gen_ai.request.model": "m", **USED, **attributes}).username == username


@pytest.mark.parametrize(
    ("attributes", "names"),
    [
        ({"metadata.user_api_key_user_email": "Alice@Example.org", "metadata.user_api_key_user_id": "u-1"}, 2),
        ({"metadata.user_api_key_hash": "f" * 64, "metadata.user_api_key_user_email": "alice@example.org"}, 1),
        ({"metadata.user_api_key_user_id": "alice@example.org"}, 1),
    ],
)
def test_litellm_user_counts_where_its_key_is_unknown(attributes: dict[str, Any], names: int) -> None:
    report = one({"gen_ai.request.model": "m", **USED, **attributes})
    assert report.key_hash
    assert report.fallback_names is not None
    assert (report.fallback_names[0], len(report.fallback_names)) == ("alice@example.org", names)


def test_a_call_that_names_its_user_has_no_other_one() -> None:
    attributes = {"user.id": "bob", "metadata.user_api_key_user_email": "alice@example.org"}
    report = one({"gen_ai.request.model": "m", **USED, **attributes})
    assert (report.username, report.fallback_names) == ("bob", None)


def test_model_of_mlflow_is_read_without_its_quotes() -> None:
    attributes = {"mlflow.spanType": '"CHAT_MODEL"', "mlflow.llm.model": '"gpt-5"', "mlflow.llm.provider": '"openai"'}
    usage = '{"input_tokens": 100, "output_tokens": 50, "total_tokens": 150, "cache_read_input_tokens": 60}'
    report = one({**attributes, "mlflow.chat.tokenUsage": usage})
    assert (report.model, report.total_tokens, report.cached_tokens) == ("gpt-5", 150, 60)


def test_success_that_names_zeros_is_a_call_without_counts() -> None:
    zeros = {"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0}
    assert one(zeros).without_counts is True
    assert one({**zeros, "error.type": "429"}).without_counts is None


POLL = {"gen_ai.operation.name": "aretrieve_batch", "gen_ai.response.id": "batch_1"}


def test_batch_is_the_first_poll_with_usage() -> None:
    polls = [Sent({**POLL, "gen_ai.request.model": "m"}, id="aa" * 8)]
    polls += [Sent({**POLL, "gen_ai.request.model": "m", **USED}, id=id * 8) for id in ("bb", "cc")]
    running, first, again = read(*polls).entries
    assert running == Replay(f"{TRACE}/{'aa' * 8}")
    assert isinstance(first, UsageReport)
    assert isinstance(again, UsageReport)
    assert (first.id, again.id, first.is_only_one) == ("batch/batch_1", "batch/batch_1", True)
    assert first.fingerprint() == again.fingerprint()


def test_batch_that_was_read_by_its_id_has_no_model() -> None:
    assert one({**POLL, **USED}).model == "unknown-model"


def test_list_of_batches_is_a_replay() -> None:
    attributes = {**POLL, "gen_ai.operation.name": "alist_batches", "gen_ai.request.model": "m", **USED}
    assert read(Sent(attributes)).entries == [Replay(f"{TRACE}/{SPAN}")]
