"""Answers of providers in their own form, with what they billed: through the real route, with a person's key."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine

from portal.actions.metering.verification import verify_account
from portal.actions.people.keys import NewKey
from portal.db.sql.session import run_in_reading
from portal.db.tables import Account
from portal.rules.metering.usage import UsageFilter
from portal.settings import settings
from portal.views.metering.usage import load_usage
from tests.api.conftest import Client
from tests.cast import run, viewer_of

CASES = Path(__file__).parents[2] / "data" / "cases" / "reports"
NOW = datetime(2026, 11, 28, 20, tzinfo=UTC)
CREATED = int(NOW.timestamp()) - 600

Report = Callable[[Any], Any]


def case(name: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    return answer


@pytest.fixture(autouse=True)
def afterwards(clock: time_machine.Traveller) -> None:
    clock.move_to(NOW)


@pytest.fixture
def report(client: Client, alices_key: NewKey) -> Report:
    def send(answer: Any) -> Any:
        headers = {"Authorization": f"Bearer {alices_key.secret}", "Content-Type": "application/json"}
        return client.post("/api/v1/usage/openai", content=json.dumps(answer), headers=headers)

    return send


GEMINI = {
    "candidates": [{"content": {"parts": [{"text": "A secret"}], "role": "model"}, "finishReason": "STOP"}],
    "usageMetadata": {
        "promptTokenCount": 1000,
        "candidatesTokenCount": 20,
        "totalTokenCount": 1100,
        "cachedContentTokenCount": 800,
        "thoughtsTokenCount": 30,
        "toolUsePromptTokenCount": 50,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1000}],
    },
    "modelVersion": "gemini-3-pro",
    "createTime": "2026-11-28T19:00:00.123456Z",
    "responseId": "r-Gemini_1",
}
BEDROCK = {
    "ResponseMetadata": {"RequestId": "3f-1", "HTTPStatusCode": 200, "HTTPHeaders": {"date": "x"}},
    "output": {"message": {"role": "assistant", "content": [{"text": "A secret"}]}},
    "stopReason": "end_turn",
    "usage": {
        "inputTokens": 30,
        "outputTokens": 12,
        "totalTokens": 2542,
        "cacheReadInputTokens": 2000,
        "cacheWriteInputTokens": 500,
    },
    "metrics": {"latencyMs": 1275},
    "model": "anthropic.claude-sonnet-5",
}
CLAUDE = {
    "id": "msg_1",
    "type": "message",
    "model": "claude-sonnet-5",
    "usage": {
        "input_tokens": 50,
        "cache_creation_input_tokens": 700,
        "cache_read_input_tokens": 2000,
        "output_tokens": 8,
    },
}
CHAT = {
    "id": "chatcmpl-7",
    "model": "gpt-5",
    "created": CREATED,
    "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(case("31-ollama-eval-cached"), (500, 40, 480, 0), id="31"),
        pytest.param(case("32-deepseek-hit"), (900, 30, 640, 0), id="32"),
        pytest.param(case("36-gemini-native"), (100, 50, 0, 30), id="36"),
        pytest.param(case("38-bedrock-converse"), (30, 12, 0, 0), id="38"),
        pytest.param(GEMINI, (1050, 50, 800, 30), id="Gemini with cache, thoughts and tools"),
        pytest.param(
            {
                "usage_metadata": {
                    "prompt_token_count": 10,
                    "candidates_token_count": None,
                    "thoughts_token_count": 5,
                    "total_token_count": 15,
                },
                "model_version": "gemini-3-flash",
                "response_id": "g2",
                "create_time": None,
            },
            (10, 5, 0, 5),
            id="Gemini's Python library, nothing but thoughts",
        ),
        pytest.param({"response": GEMINI, "key": "line-1"}, (1050, 50, 800, 30), id="a line of Gemini's batch"),
        pytest.param(BEDROCK, (2530, 12, 2000, 0), id="Bedrock with cache"),
        pytest.param(
            {
                "metadata": {
                    "usage": {"inputTokens": 30, "outputTokens": 12, "totalTokens": 42},
                    "metrics": {"latencyMs": 9},
                },
                "model": "amazon.nova-pro",
            },
            (30, 12, 0, 0),
            id="the end of Bedrock's stream",
        ),
        pytest.param(
            {
                "type": "message_stop",
                "model": "anthropic.claude-sonnet-5",
                "amazon-bedrock-invocationMetrics": {
                    "inputTokenCount": 30,
                    "outputTokenCount": 12,
                    "invocationLatency": 900,
                    "cacheReadInputTokenCount": 8,
                },
            },
            (38, 12, 8, 0),
            id="Bedrock's invocation metrics",
        ),
        pytest.param(
            {
                "id": "batch_req_1",
                "custom_id": "line-1",
                "response": {"status_code": 200, "request_id": "x", "body": CHAT},
                "error": None,
            },
            (9, 3, 0, 0),
            id="a line of OpenAI's batch",
        ),
        pytest.param(
            {"custom_id": "line-1", "result": {"type": "succeeded", "message": CLAUDE}},
            (2750, 8, 2000, 0),
            id="a line of Anthropic's batch",
        ),
        pytest.param(
            {"object": "list", "data": [], "model": "voyage-4", "usage": {"total_tokens": 10}},
            (10, 0, 0, 0),
            id="embeddings with a total alone",
        ),
        pytest.param(
            {
                "id": "c1",
                "model": "command-a",
                "usage": {
                    "billed_units": {"input_tokens": 5, "output_tokens": 418},
                    "tokens": {"input_tokens": 71, "output_tokens": 418},
                },
            },
            (5, 418, 0, 0),
            id="Cohere",
        ),
        pytest.param(
            {
                "id": "g-1",
                "model": "grok-4",
                "created": CREATED,
                "usage": {
                    "prompt_tokens": 32,
                    "completion_tokens": 9,
                    "total_tokens": 135,
                    "prompt_tokens_details": {"cached_tokens": 6},
                    "completion_tokens_details": {"reasoning_tokens": 94},
                },
            },
            (32, 103, 6, 94),
            id="xAI",
        ),
        pytest.param(
            {"model": "llama", "done": True, "total_duration": 5, "prompt_eval_count": 5, "eval_count": 3,
             "created_at": "2026-11-28T17:02:00Z", "prompt_eval_cached_count": 50},
            (55, 3, 50, 0),
            id="Ollama, more cached than evaluated",
        ),
    ],
)  # fmt: skip
def test_what_a_provider_billed(alice: Account, report: Report, answer: Any, expected: tuple[int, ...]) -> None:
    first = report(answer)
    assert (first.status_code, first.json()["result"]) == (200, "accepted"), first.text
    page = run(load_usage, viewer_of(alice), UsageFilter(), NOW, 50, None)
    assert [(r.prompt_tokens, r.completion_tokens, r.cached_tokens, r.reasoning_tokens) for r in page.rows] == [
        expected
    ]
    assert page.totals.tokens == expected[0] + expected[1]
    assert run_in_reading(lambda session: list(verify_account(session, alice.id, settings().budget_zone))) == []


@pytest.mark.parametrize("answer", [GEMINI, BEDROCK, case("36-gemini-native"), case("38-bedrock-converse")])
def test_the_same_answer_counts_once(alice: Account, report: Report, answer: Any) -> None:
    assert [report(answer).json()["result"] for _ in range(2)] == ["accepted", "duplicate"]


def test_a_stored_response_that_is_read_again_counts_once(alice: Account, report: Report) -> None:
    response = {
        "id": "resp_1",
        "object": "response",
        "created_at": CREATED,
        "status": "completed",
        "model": "gpt-5",
        "usage": {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12},
    }
    streamed = {"type": "response.completed", "response": response}
    assert [report(each).json()["result"] for each in (streamed, response, response)] == [
        *("accepted", "duplicate", "duplicate")
    ]


def test_gemini_says_when(alice: Account, report: Report) -> None:
    report(GEMINI)
    [row] = run(load_usage, viewer_of(alice), UsageFilter(), NOW, 50, None).rows
    assert (row.model, row.requested_at) == ("gemini-3-pro", datetime(2026, 11, 28, 19, 0, 0, 123456, UTC))


def test_bedrock_says_how_long(alice: Account, report: Report) -> None:
    report(BEDROCK)
    [row] = run(load_usage, viewer_of(alice), UsageFilter(), NOW, 50, None).rows
    assert row.latency_ms == 1275


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        pytest.param({"created": CREATED, "data": [{"url": "x"}]}, "There is no usage", id="an image"),
        pytest.param(CHAT | {"usage": None}, "There is no usage", id="a model without usage"),
        pytest.param({name: BEDROCK[name] for name in BEDROCK if name != "model"}, "Add it", id="Bedrock alone"),
        pytest.param({"type": "message_start", "message": CLAUDE}, "There is no usage", id="the beginning of a stream"),
        pytest.param(
            {"type": "message_delta", "usage": {"output_tokens": 8}}, "input_tokens is missing", id="half of a stream"
        ),
        pytest.param({"embedding": {"values": [0.1]}}, "There is no usage", id="Gemini's embedding"),
    ],
)
def test_what_cannot_be_counted_is_refused(report: Report, answer: Any, sentence: str) -> None:
    refused = report(answer)
    assert refused.status_code == 422
    assert sentence in refused.json()["detail"]


def test_speech_is_a_call_without_counts(alice: Account, report: Report) -> None:
    answer = report({"text": "A secret", "model": "whisper-1", "usage": {"type": "duration", "seconds": 31}}).json()
    assert (answer["result"], answer["prompt_tokens"], answer["completion_tokens"]) == ("accepted", None, None)
    [row] = run(load_usage, viewer_of(alice), UsageFilter(), NOW, 50, None).rows
    assert row.without_counts


def test_a_large_response_in_a_stream_is_counted(alice: Account, report: Report) -> None:
    response = CHAT | {"output": [{"text": "A secret. " * 500_000}], "metadata": {"note": "x" * 3_000_000}}
    assert report({"type": "response.completed", "response": response}).json()["result"] == "accepted"
