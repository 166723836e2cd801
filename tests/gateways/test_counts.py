"""Usage objects as the references of their sources show them, and what each of them counts."""

from typing import Any

import pytest

from portal.gateways.count_names import COUNT_NAMES, TokenPart, part_named, plain_name
from portal.gateways.counts import TokenCounts, read_counts
from portal.gateways.lenient_values import UnclearValue

OPENAI = {
    "prompt_tokens": 2006,
    "completion_tokens": 300,
    "total_tokens": 2306,
    "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 64, "accepted_prediction_tokens": 0},
}
RESPONSES = {
    "input_tokens": 900,
    "input_tokens_details": {"cached_tokens": 100},
    "output_tokens": 210,
    "output_tokens_details": {"reasoning_tokens": 64},
    "total_tokens": 1110,
}
REALTIME = {
    "total_tokens": 253,
    "input_tokens": 132,
    "output_tokens": 121,
    "input_token_details": {"text_tokens": 119, "audio_tokens": 13, "cached_tokens": 64},
    "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
}
ANTHROPIC = {
    "input_tokens": 50,
    "cache_creation_input_tokens": 700,
    "cache_read_input_tokens": 2000,
    "cache_creation": {"ephemeral_5m_input_tokens": 456, "ephemeral_1h_input_tokens": 244},
    "output_tokens": 80,
    "server_tool_use": {"web_search_requests": 1},
    "service_tier": "standard",
}
GEMINI = {
    "promptTokenCount": 1000,
    "candidatesTokenCount": 20,
    "cachedContentTokenCount": 800,
    "thoughtsTokenCount": 30,
    "toolUsePromptTokenCount": 50,
    "totalTokenCount": 1100,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1000}],
}
BEDROCK = {
    "inputTokens": 30,
    "outputTokens": 12,
    "totalTokens": 2542,
    "cacheReadInputTokens": 2000,
    "cacheWriteInputTokens": 500,
    "cacheDetails": [{"inputTokens": 500, "ttl": "5m"}],
}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(OPENAI, TokenCounts(2006, 300, 1920, 64), id="OpenAI chat"),
        pytest.param(RESPONSES, TokenCounts(900, 210, 100, 64), id="OpenAI responses"),
        pytest.param(REALTIME, TokenCounts(132, 121, 64), id="OpenAI realtime"),
        pytest.param(ANTHROPIC, TokenCounts(2750, 80, 2000), id="Anthropic"),
        pytest.param(
            {key: value for key, value in ANTHROPIC.items() if key != "cache_creation_input_tokens"},
            TokenCounts(2750, 80, 2000),
            id="Anthropic, cache writes by lifetime only",
        ),
        pytest.param(GEMINI, TokenCounts(1050, 50, 800, 30), id="Gemini"),
        pytest.param(
            {"promptTokenCount": 100, "thoughtsTokenCount": 30, "totalTokenCount": 130},
            TokenCounts(100, 30, 0, 30),
            id="Gemini, only thoughts",
        ),
        pytest.param({"promptTokenCount": 7}, TokenCounts(7, 0), id="Gemini leaves zeros out"),
        pytest.param(
            {"prompt_token_count": 9, "candidates_token_count": 3, "cached_content_token_count": 4},
            TokenCounts(9, 3, 4),
            id="Gemini's Python client",
        ),
        pytest.param(
            {
                "total_input_tokens": 10,
                "total_cached_tokens": 4,
                "total_output_tokens": 5,
                "total_thought_tokens": 20,
                "total_tool_use_tokens": 3,
                "total_tokens": 38,
            },
            TokenCounts(13, 25, 4, 20),
            id="Gemini interactions",
        ),
        pytest.param(BEDROCK, TokenCounts(2530, 12, 2000), id="Bedrock Converse"),
        pytest.param(
            {"inputTokens": 300, "outputTokens": 12, "cacheReadInputTokens": 200},
            TokenCounts(500, 12, 200),
            id="Bedrock counts its cache beside the prompt",
        ),
        pytest.param(
            {"inputTokenCount": 30, "outputTokenCount": 12, "cacheWriteInputTokenCount": 8, "invocationLatency": 900},
            TokenCounts(38, 12),
            id="Bedrock's invocation metrics",
        ),
        pytest.param(
            {"prompt_eval_count": 500, "eval_count": 40, "prompt_eval_cached_count": 480},
            TokenCounts(500, 40, 480),
            id="Ollama",
        ),
        pytest.param(
            {
                "prompt_tokens": 900,
                "completion_tokens": 30,
                "total_tokens": 930,
                "prompt_cache_hit_tokens": 640,
                "prompt_cache_miss_tokens": 260,
            },
            TokenCounts(900, 30, 640),
            id="DeepSeek",
        ),
        pytest.param(
            {"prompt_tokens": 90, "completion_tokens": 30, "total_tokens": 120, "num_cached_tokens": 64},
            TokenCounts(90, 30, 64),
            id="Mistral",
        ),
        pytest.param(
            {
                "prompt_tokens": 32,
                "completion_tokens": 9,
                "total_tokens": 135,
                "prompt_tokens_details": {"text_tokens": 32, "cached_tokens": 6},
                "completion_tokens_details": {"reasoning_tokens": 94},
            },
            TokenCounts(32, 103, 6, 94),
            id="xAI counts reasoning beside the completion",
        ),
        pytest.param(
            {"prompt_tokens": 33, "completion_tokens": 7163, "total_tokens": 7196, "reasoning_tokens": 73997},
            TokenCounts(33, 81160, 0, 73997),
            id="Perplexity: more reasoning than completion",
        ),
        pytest.param(
            {"prompt_tokens": 19, "completion_tokens": 21, "total_tokens": 40, "cached_tokens": 10},
            TokenCounts(19, 21, 10),
            id="Moonshot",
        ),
        pytest.param(
            {
                "billed_units": {"input_tokens": 5, "output_tokens": 418},
                "tokens": {"input_tokens": 71, "output_tokens": 418},
            },
            TokenCounts(5, 418),
            id="Cohere bills without its own instructions",
        ),
        pytest.param(
            {
                "tokens_prompt": 10,
                "tokens_completion": 25,
                "native_tokens_prompt": 12,
                "native_tokens_completion": 31,
                "native_tokens_reasoning": 5,
                "native_tokens_cached": 3,
            },
            TokenCounts(12, 31, 3, 5),
            id="OpenRouter bills native tokens",
        ),
        pytest.param(
            {"inputTokens": 5000, "outputTokens": 80, "totalTokens": 5080, "cachedInputTokens": 4500},
            TokenCounts(5000, 80, 4500),
            id="Vercel's AI SDK 5",
        ),
        pytest.param(
            {
                "inputTokens": {"total": 50, "cacheRead": 40, "noCache": 10},
                "outputTokens": {"total": 9, "reasoning": 4},
            },
            TokenCounts(50, 9, 40, 4),
            id="Vercel's providers of 6",
        ),
        pytest.param(
            {
                "input_tokens": 350,
                "output_tokens": 240,
                "total_tokens": 590,
                "input_token_details": {"cache_creation": 200, "cache_read": 100},
                "output_token_details": {"reasoning": 200},
            },
            TokenCounts(350, 240, 100, 200),
            id="LangChain",
        ),
        pytest.param(
            {"input": 20, "output": 10, "input_cached_tokens": 70, "output_reasoning_tokens": 20, "total": 120},
            TokenCounts(90, 30, 70, 20),
            id="Langfuse: the total is of all of them",
        ),
        pytest.param(
            {
                "prompt_tokens": 2460,
                "completion_tokens": 20,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": None},
                "cache_read_input_tokens": 2450,
                "cache_creation_input_tokens": 0,
            },
            TokenCounts(2460, 20, 2450),
            id="LiteLLM: the detail is 0, the other name has it",
        ),
        pytest.param(
            {
                "prompt_tokens": 3,
                "completion_tokens": 20,
                "total_tokens": 23,
                "prompt_tokens_details": {"cached_tokens": 1000, "cache_creation_tokens": 500, "text_tokens": 3},
            },
            TokenCounts(1503, 20, 1000),
            id="LiteLLM: the details are larger than the whole, whatever the total is",
        ),
        pytest.param(
            {"prompt_tokens": 600, "completion_tokens": 20, "cache_read_input_tokens": 400, "cache_write_tokens": 300},
            TokenCounts(1300, 20, 400),
            id="together they are larger than the whole",
        ),
        pytest.param(
            {
                "prompt_tokens": 350,
                "completion_tokens": 20,
                "total_tokens": 770,
                "cache_read_input_tokens": 400,
                "cache_write_tokens": 300,
            },
            TokenCounts(750, 20, 400),
            id="and the total says that only the reads are beside it",
        ),
        pytest.param(
            {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 14, "cache_read_input_tokens": 4},
            TokenCounts(13, 1, 4),
            id="the total says that the reads are beside it",
        ),
        pytest.param(
            {"input_tokens": 9, "output_tokens": 1, "total_tokens": 10, "cache_read_input_tokens": 4},
            TokenCounts(9, 1, 4),
            id="the total overrules the form",
        ),
        pytest.param(
            {"prompt_tokens": 0, "completion_tokens": 0, "input_tokens": 50, "output_tokens": 1056},
            TokenCounts(50, 1056),
            id="zeros under another name",
        ),
        pytest.param({"prompt_tokens": 17, "total_tokens": 17}, TokenCounts(17, 0), id="embeddings"),
        pytest.param({"completion_tokens": 3, "total_tokens": 17}, TokenCounts(14, 3), id="a prompt from the total"),
        pytest.param(
            {
                "gen_ai.usage.input_tokens": "10",
                "gen_ai.usage.output_tokens": 4.0,
                "gen_ai.usage.reasoning.output_tokens": 3,
                "gen_ai.usage.input_tokens.cached": "6",
            },
            TokenCounts(10, 4, 6, 3),
            id="attributes of a span",
        ),
        pytest.param(
            {
                "llm.token_count.prompt": 10,
                "llm.token_count.prompt_details.cache_read": 6,
                "llm.token_count.completion": 1,
            },
            TokenCounts(10, 1, 6),
            id="attributes of OpenInference",
        ),
        pytest.param({"prompt_tokens": 0, "completion_tokens": 0}, TokenCounts(0, 0), id="zeros"),
        pytest.param({"type": "duration", "seconds": 31}, None, id="no counts"),
        pytest.param({"prompt_tokens": None, "completion_tokens": None}, None, id="null"),
        pytest.param({"cached_tokens": 0, "prompt_tokens_details": {"cached_tokens": 0}}, None, id="zero of nothing"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_counts(usage: dict[str, Any], expected: TokenCounts | None) -> None:
    assert read_counts(usage) == expected


def test_a_source_is_known_to_count_beside_or_inside() -> None:
    usage = {"input_tokens": 30, "output_tokens": 2, "cache_read_input_tokens": 20}
    assert read_counts(usage) == read_counts(usage, beside=True) == TokenCounts(50, 2, 20)
    assert read_counts(usage, beside=False) == TokenCounts(30, 2, 20)
    assert read_counts(usage | {"input_tokens": 10}, beside=False) == TokenCounts(30, 2, 20)
    assert read_counts({"input_tokens": 30, "output_tokens": 2, "cache_read_tokens": 20}, beside=True) == TokenCounts(
        50, 2, 20
    )


def test_without_a_completion() -> None:
    assert read_counts({"prompt_tokens": 8}, no_completion=True) == TokenCounts(8, 0)
    assert read_counts({"total_tokens": 8}, no_completion=True) == TokenCounts(8, 0)
    assert read_counts(
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 8}, no_completion=True
    ) == TokenCounts(8, 0)
    assert read_counts({"prompt_tokens": 8, "total_tokens": 10}, no_completion=True) == TokenCounts(8, 2)


@pytest.mark.parametrize(
    "usage",
    [
        pytest.param({"prompt_tokens": 8}, id="no completion"),
        pytest.param({"completion_tokens": 8}, id="no prompt"),
        pytest.param({"total_tokens": 8}, id="a total alone"),
        pytest.param({"cached_tokens": 8}, id="a part alone"),
        pytest.param({"prompt_tokens": -1, "completion_tokens": 1}, id="negative"),
        pytest.param({"prompt_tokens": "many", "completion_tokens": 1}, id="a word"),
        pytest.param({"prompt_tokens": True, "completion_tokens": 1}, id="a boolean"),
        pytest.param({"prompt_tokens": 1.5, "completion_tokens": 1}, id="half a token"),
        pytest.param({"prompt_tokens": [1], "completion_tokens": 1}, id="a list"),
        pytest.param({"prompt_tokens": 10**9 + 1, "completion_tokens": 1}, id="too many"),
        pytest.param({"prompt_tokens": 9, "completion_tokens": 1, "cache_read_tokens": 10**9}, id="too many together"),
    ],
)
def test_counts_are_never_guessed(usage: dict[str, Any]) -> None:
    with pytest.raises(UnclearValue):
        read_counts(usage)


@pytest.mark.parametrize("part", ["cached_tokens", "reasoning_tokens", "cache_creation_input_tokens", "total_tokens"])
@pytest.mark.parametrize("value", ["x", -1, True, [1], 1.5, 10**12])
def test_an_unreadable_part_is_ignored(part: str, value: object) -> None:
    assert read_counts({"prompt_tokens": 5, "completion_tokens": 1, part: value}) == TokenCounts(5, 1)


def test_each_name_has_one_meaning() -> None:
    names = [plain_name(name) for part in COUNT_NAMES for name in COUNT_NAMES[part]]
    assert len(names) == len(set(names))
    assert all(part_named(name) is part for part in COUNT_NAMES for name in COUNT_NAMES[part])


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Prompt Tokens", TokenPart.PROMPT),
        ("gen_ai.usage.cache_creation.input_tokens", TokenPart.WRITTEN),
        ("usage_metadata.thoughts_token_count", TokenPart.REASONING),
        ("cacheReadInputTokens", TokenPart.CACHED),
        ("cache_creation.ephemeral_5m_input_tokens", TokenPart.WRITTEN),
        ("usage.cache_creation.ephemeral_1h_input_tokens", TokenPart.WRITTEN),
        ("spend", None),
        ("max_tokens", None),
    ],
)
def test_part_named(name: str, part: TokenPart | None) -> None:
    assert part_named(name) is part
