import json
from datetime import UTC, datetime
from typing import Any

import pytest

from portal.errors import InvalidInput
from portal.gateways.openai import read_response
from portal.rules.metering.usage import UsageReport
from portal.rules.spending.pricing import MAX_TOKENS

CREATED = 1_795_600_000
CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": CREATED,
    "model": "gpt-5-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": 'A secret {"usage": 1}\n{'}}],
    "usage": {
        "prompt_tokens": 1200,
        "completion_tokens": 300,
        "total_tokens": 1500,
        "prompt_tokens_details": {"cached_tokens": 1024},
        "completion_tokens_details": {"reasoning_tokens": 192},
    },
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": CREATED,
    "status": "completed",
    "model": "gpt-5",
    "output": [],
    "usage": {
        "input_tokens": 900,
        "input_tokens_details": {"cached_tokens": 100},
        "output_tokens": 210,
        "output_tokens_details": {"reasoning_tokens": 64},
        "total_tokens": 1110,
    },
}
EMBEDDINGS = {
    "object": "list",
    "data": [{"embedding": [0.1, 0.2]}],
    "model": "text-embedding-3-small",
    "usage": {"prompt_tokens": 17, "total_tokens": 17},
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "model": "claude-sonnet-5",
    "content": [{"type": "text", "text": "A secret"}],
    "usage": {
        "input_tokens": 50,
        "cache_creation_input_tokens": 700,
        "cache_read_input_tokens": 2000,
        "output_tokens": 80,
    },
}
OLLAMA = {
    "model": "qwen3:32b",
    "created_at": "2026-11-22T09:59:58.123456789Z",
    "message": {"role": "assistant", "content": "A secret"},
    "done": True,
    "total_duration": 5_191_566_416,
    "prompt_eval_count": 26,
    "eval_count": 298,
}
OLLAMA_EMBED = {
    "model": "all-minilm",
    "embeddings": [[0.01, -0.02]],
    "total_duration": 14_143_917,
    "prompt_eval_count": 8,
}


def read(answer: Any) -> UsageReport:
    return read_response(json.dumps(answer).encode(), "otherwise", "native")


@pytest.mark.parametrize(
    ("answer", "prompt", "completion", "cached", "reasoning"),
    [
        pytest.param(CHAT, 1200, 300, 1024, 192, id="chat"),
        pytest.param(RESPONSE, 900, 210, 100, 64, id="responses"),
        pytest.param(EMBEDDINGS, 17, 0, 0, 0, id="embeddings"),
        pytest.param(MESSAGE, 2750, 80, 2000, 0, id="Anthropic: what was cached comes on top"),
        pytest.param(OLLAMA, 26, 298, 0, 0, id="Ollama"),
        pytest.param(OLLAMA_EMBED, 8, 0, 0, 0, id="Ollama's embeddings"),
        pytest.param(
            {"type": "response.completed", "response": RESPONSE},
            900,
            210,
            100,
            64,
            id="the end of streamed responses",
        ),
        pytest.param(
            CHAT | {"object": "chat.completion.chunk", "choices": []},
            1200,
            300,
            1024,
            192,
            id="the last chunk",
        ),
        pytest.param(
            CHAT | {"usage": {"prompt_tokens": 9, "completion_tokens": 1, "cache_read_input_tokens": 4}},
            *(9, 1, 4, 0),
            id="servers that say it both ways count the cache once",
        ),
        pytest.param(
            MESSAGE | {"usage": {"input_tokens": 5, "output_tokens": 1, "cache_read_input_tokens": None}},
            *(5, 1, 0, 0),
            id="null is no cache",
        ),
        pytest.param(
            {"model": "command", "meta": {"billed_units": {"input_tokens": 17}}},
            *(17, 0, 0, 0),
            id="Cohere's embeddings",
        ),
        pytest.param(
            {"model": "jina", "usage": {"total_tokens": 815}, "results": [{"index": 0}]},
            *(815, 0, 0, 0),
            id="a lone total, as of reranking",
        ),
        pytest.param(
            {"model": "llama", "generation": "A secret", "prompt_token_count": 30, "generation_token_count": 12},
            *(30, 12, 0, 0),
            id="Bedrock's Llama",
        ),
        pytest.param(
            {"model": "titan", "embedding": [0.5], "inputTextTokenCount": 30}, 30, 0, 0, 0, id="Titan's embeddings"
        ),
        pytest.param(
            {"model": "m", "usage": {}, "response": {"body": CHAT}}, 1200, 300, 1024, 192, id="counts inside first"
        ),
    ],
)
def test_tokens(answer: Any, prompt: int, completion: int, cached: int, reasoning: int) -> None:
    found = read(answer)
    assert (found.prompt_tokens, found.completion_tokens) == (prompt, completion)
    assert (found.cached_tokens, found.reasoning_tokens) == (cached, reasoning)


def test_an_answer_says_its_model_and_when_it_was_made() -> None:
    found = read(CHAT)
    assert (found.model, found.mode, found.status) == ("gpt-5-mini", "native", "ok")
    assert found.requested_at == datetime.fromtimestamp(CREATED, UTC)


def test_ollama_says_how_long_it_took() -> None:
    assert (read(OLLAMA).latency_ms, read(CHAT).latency_ms) == (5192, None)


def test_without_a_time_it_is_of_now() -> None:
    assert read(MESSAGE).requested_at is None
    assert read(CHAT | {"created": 0}).requested_at is None


def test_a_response_that_failed_says_so() -> None:
    assert read(RESPONSE | {"status": "failed"}).status == "failed"
    assert read(RESPONSE | {"status": "incomplete"}).status == "ok"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"text": "A secret", "usage": {"type": "duration", "seconds": 31}}, id="seconds of speech"),
        pytest.param({"results": [], "meta": {"billed_units": {"search_units": 1}}}, id="Cohere's searches"),
        pytest.param({"usage": {"pages_processed": 5, "doc_size_bytes": 12_345}}, id="pages"),
        pytest.param({"data": [{"url": "https://x"}], "usage": {}}, id="images, as a script sends them"),
        pytest.param({"usage": {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}}, id="zeros"),
    ],
)
def test_a_usage_without_tokens_is_a_call_without_counts(answer: dict[str, Any]) -> None:
    found = read({"model": "m", **answer})
    assert (found.total_tokens, found.without_counts) == (0, True)


@pytest.mark.parametrize(
    ("answer", "other"),
    [
        pytest.param(CHAT, CHAT | {"id": "chatcmpl-2"}, id="by their id"),
        pytest.param(CHAT, CHAT | {"created": CREATED + 1}, id="by their time, where a server starts its ids again"),
        pytest.param(CHAT | {"id": "ü"}, CHAT | {"id": "ö"}, id="whatever their id is written in"),
        pytest.param(CHAT | {"id": "x" * 300}, CHAT | {"id": "x" * 301}, id="however long their id is"),
        pytest.param(OLLAMA, OLLAMA | {"total_duration": 5_191_566_417}, id="Ollama's by their nanoseconds"),
    ],
)
def test_different_answers_have_different_ids(answer: Any, other: Any) -> None:
    assert read(answer).id == read(answer | {"choices": None}).id
    assert read(answer).id != read(other).id
    assert len(read(answer).id) <= 256


@pytest.mark.parametrize("answer", [EMBEDDINGS, OLLAMA_EMBED, CHAT | {"id": " "} | {"created": 0}])
def test_an_answer_without_an_id_gets_the_other_one(answer: Any) -> None:
    assert read(answer).id == "otherwise"


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        pytest.param({**CHAT, "usage": None}, "There is no usage", id="a stream that was not asked for it"),
        pytest.param({"error": {"message": "A secret"}}, "There is no usage", id="an error"),
        pytest.param(CHAT | {"usage": {"prompt_tokens": 5}}, "completion_tokens is missing", id="half of it"),
        pytest.param(MESSAGE | {"usage": {"input_tokens": 5}}, "output_tokens is missing", id="half of Anthropic's"),
        pytest.param(OLLAMA | {"eval_count": None}, "eval_count is missing", id="half of Ollama's"),
        pytest.param({k: v for k, v in OLLAMA.items() if k != "eval_count"}, "eval_count is missing", id="unsaid"),
        pytest.param(CHAT | {"usage": {"prompt_tokens": -1, "completion_tokens": 1}}, "prompt_tokens must be", id="<0"),
        pytest.param(
            CHAT | {"usage": {"prompt_tokens": "5", "completion_tokens": 1}}, "prompt_tokens must be", id="a text"
        ),
        pytest.param(
            MESSAGE | {"usage": {"input_tokens": MAX_TOKENS, "cache_read_input_tokens": 1, "output_tokens": 1}},
            "input_tokens must be",
            id="too many together",
        ),
        pytest.param(
            {"model": "titan", "inputTextTokenCount": 5}, "completion_tokens is missing", id="half of Titan's"
        ),
        pytest.param({"meta": {"api_version": {"version": "1"}}}, "There is no usage", id="a meta without usage"),
        pytest.param(CHAT | {"model": None}, "There is no model.", id="no model"),
        pytest.param(CHAT | {"created": "yesterday"}, "created is no instant.", id="no instant"),
        pytest.param([CHAT], "This is no JSON object.", id="a list"),
        pytest.param("usage", "This is no JSON object.", id="a text alone"),
    ],
)
def test_unclear_answer_is_refused_with_a_sentence(answer: Any, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence) as refused:
        read(answer)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("body", [b"", b"{", b"{}{}", b"\xff\xfe", b'{"usage": {', b"[" * 10_000, b'{"a":' * 10_000])
def test_body_without_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_response(body, "otherwise", "native")


def test_an_answer_is_read_however_it_is_laid_out() -> None:
    loose = json.dumps(CHAT, indent=0).replace("\n", "\r\n").encode()
    assert read_response(loose, "otherwise", "native") == read(CHAT)


def test_what_was_reasoned_beside_the_completion_is_counted() -> None:
    beside = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115}
    found = read(CHAT | {"usage": beside | {"completion_tokens_details": {"reasoning_tokens": 100}}})
    assert (found.prompt_tokens, found.completion_tokens, found.reasoning_tokens) == (10, 105, 100)


def test_an_answer_is_the_same_however_a_library_writes_its_time() -> None:
    assert read(RESPONSE).id == read(RESPONSE | {"created_at": float(CREATED)}).id


def test_ollama_without_prompt_count_names_the_missing_count() -> None:
    with pytest.raises(InvalidInput, match="prompt_eval_count is missing"):
        read({name: value for name, value in OLLAMA.items() if name != "prompt_eval_count"})
