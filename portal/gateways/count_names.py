"""The table of all names of token counts in all sources, by meaning.

Sources: the API references of OpenAI (chat, responses, realtime), Anthropic, Gemini (`usageMetadata`, interactions),
Bedrock (Converse, invocation metrics), Ollama, DeepSeek, Mistral, xAI, Cohere, Moonshot, OpenRouter, and the usage
objects of LiteLLM 1.106, Vercel's AI SDK 4 to 6, LangChain, Langfuse, pydantic-ai, Claude Code and Codex; for spans the
GenAI conventions of OpenTelemetry, OpenLLMetry, OpenInference and Sentry.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache


class TokenPart(StrEnum):
    """The meaning of a count."""

    PROMPT = "prompt"
    COMPLETION = "completion"
    TOTAL = "total"
    CACHED = "cached"
    """Read from a cache."""
    WRITTEN = "written"
    """Written to a cache."""
    REASONING = "reasoning"
    TOOLS = "tools"
    """Results of tools that the model called itself; Gemini counts them beside the prompt, of which they are a part."""


WHOLES = (
    ("native_tokens_prompt", "native_tokens_completion"),  # OpenRouter bills these; its tokens_prompt is an estimate
    ("prompt_tokens", "completion_tokens"),
    ("prompt_token_count", "candidates_token_count"),
    ("billed_units.input_tokens", "billed_units.output_tokens"),  # Cohere bills without its own instructions
    ("tokens.input_tokens", "tokens.output_tokens"),
    ("input_tokens", "output_tokens"),
    ("input_tokens.total", "output_tokens.total"),
    ("input_token_count", "output_token_count"),
    ("total_input_tokens", "total_output_tokens"),
    ("prompt_eval_count", "eval_count"),
    ("tokens_prompt", "tokens_completion"),
    ("prompt", "completion"),
    ("input", "output"),
)
"""Names of prompt and completion that sources use together, the most reliable first."""

COUNT_NAMES: Mapping[TokenPart, tuple[str, ...]] = {
    TokenPart.PROMPT: (*(prompt for prompt, _ in WHOLES), "input_text_token_count"),
    TokenPart.COMPLETION: (
        *(completion for _, completion in WHOLES),
        *("response_token_count", "generation_token_count"),
    ),
    TokenPart.TOTAL: ("total_tokens", "total_token_count", "total"),
    TokenPart.CACHED: (
        "native_tokens_cached",
        "cache_read_input_tokens",
        "cache_read_input_token_count",
        "cache_read_tokens",
        "cache_read",
        "prompt_tokens_details.cached_tokens",
        "prompt_tokens_details.cache_read_tokens",
        "prompt_tokens_details.cache_read",
        "prompt_tokens_details.cache_read_input_tokens",
        "prompt_details.cache_read",
        "prompt_details.cache_input",
        "input_tokens_details.cached_tokens",
        "input_tokens_details.cache_read_tokens",
        "input_token_details.cached_tokens",
        "input_token_details.cache_read",
        "input_token_details.cache_read_tokens",
        "input_tokens.cached",
        "input_tokens.cache_read",
        "input_cached_tokens",
        "input_cache_read_tokens",
        "input_cache_read",
        "input_cached",
        "details.cache_read_input_tokens",
        "details.cache_read_tokens",
        "details.cached_tokens",
        "cached_tokens",
        "cached_input_tokens",
        "cached_prompt_tokens",
        "cached_prompt_text_tokens",
        "cached_token_count",
        "cached_content_token_count",
        "total_cached_tokens",
        "num_cached_tokens",
        "prompt_cached_tokens",
        "prompt_cache_hit_tokens",
        "cache_hit_tokens",
        "prompt_eval_cached_count",
        "prompt_cached_eval_count",
        "cached_prompt_eval_count",
    ),
    TokenPart.WRITTEN: (
        "cache_creation_input_tokens",
        "cache_write_input_tokens",
        "cache_write_input_token_count",
        "cache_creation_tokens",
        "cache_creation_token_count",
        "cache_write_token_count",
        "cache_write_tokens",
        "cache_creation",
        "cache_write",
        "prompt_tokens_details.cache_write_tokens",
        "prompt_tokens_details.cache_write",
        "prompt_tokens_details.cache_creation_tokens",
        "prompt_tokens_details.cache_creation_input_tokens",
        "prompt_details.cache_write",
        "input_tokens_details.cache_write_tokens",
        "input_tokens_details.cache_creation_tokens",
        "input_token_details.cache_write_tokens",
        "input_token_details.cache_creation",
        "input_tokens.cache_write",
        "input_tokens.cache_creation",
        "input_cache_creation_tokens",
        "input_cache_creation",
        "input_cache_write_tokens",
        "input_cache_write",
        "details.cache_creation_input_tokens",
        "details.cache_write_tokens",
    ),
    TokenPart.REASONING: (
        "native_tokens_reasoning",
        "completion_tokens_details.reasoning_tokens",
        "completion_tokens_details.reasoning",
        "output_tokens_details.reasoning_tokens",
        "output_tokens_details.thinking_tokens",
        "output_token_details.reasoning_tokens",
        "output_token_details.reasoning",
        "completion_details.reasoning",
        "output_tokens.reasoning",
        "reasoning.output_tokens",
        "output_reasoning_tokens",
        "output_reasoning",
        "details.reasoning_tokens",
        "reasoning_tokens",
        "reasoning_token_count",
        "thoughts_token_count",
        "total_thought_tokens",
        "total_reasoning_tokens",
        "thinking_tokens",
        "reasoning",
    ),
    TokenPart.TOOLS: ("tool_use_prompt_token_count", "total_tool_use_tokens"),
}
"""Names by meaning, the most reliable first; `plain_name` makes camel case, dots and underscores the same.

A dot leads from an object to its member where a source nests its counts.
"""

COUNT_PREFIXES = (
    *("gen_ai.usage.", "ai.usage.", "llm.usage.", "llm.token_count.", "usage.", "usageMetadata.", "usage_metadata."),
    *("usage_details.", "usageDetails."),
)
"""Prefixes of names in instrumentations and exports."""


def plain_name(name: str) -> str:
    """Return a name without prefix, case, dots and underscores: `gen_ai.usage.input_tokens` is `inputtokens`."""
    return _plain_name(name) if len(name) <= _LONGEST_KEPT else _plain_name.__wrapped__(name)


@lru_cache(1024)
def _plain_name(name: str) -> str:
    rest = next((name[len(prefix) :] for prefix in COUNT_PREFIXES if name.startswith(prefix)), name)
    return "".join(letter for letter in rest.lower() if letter.isalnum())


_LONGEST_KEPT = 100
"""Characters of a name that is cached; no source has a longer name of a count."""
PARTS = {plain_name(name): part for part, names in COUNT_NAMES.items() for name in names}
"""What each plain name means."""
RANKS = {plain_name(name): rank for names in COUNT_NAMES.values() for rank, name in reversed([*enumerate(names)])}
"""The rank of each plain name among the names of its part; 0 is the most reliable."""

WRITTEN = plain_name("cache_creation_input_tokens")
_LIFETIMES = ("cache_creation.ephemeral_5m_input_tokens", "cache_creation.ephemeral_1h_input_tokens")
WRITTEN_FOR = frozenset(map(plain_name, _LIFETIMES))
"""Anthropic's two counts of tokens written to a cache, by lifetime; they are added."""
NESTING = frozenset(
    plain_name(name.partition(".")[0]) for name in (*sum(COUNT_NAMES.values(), ()), *_LIFETIMES) if "." in name
)
"""Names of objects that contain counts."""
PROMPTS_WITHOUT_CACHE = frozenset(map(plain_name, ("input_tokens", "input_token_count")))
"""Names of a prompt that excludes caches if one of `CACHES_BESIDE` is in the same object."""
CACHES_BESIDE = frozenset(
    map(
        plain_name,
        (
            *("cache_read_input_tokens", "cache_creation_input_tokens", "cache_write_input_tokens"),
            *("cache_read_input_token_count", "cache_write_input_token_count"),
        ),
    )
)
"""Together with `PROMPTS_WITHOUT_CACHE`: Anthropic and Bedrock count caches beside the prompt."""
REASONING_BESIDE = frozenset(map(plain_name, ("thoughts_token_count", "total_thought_tokens")))
"""Gemini's thoughts, which are never part of its candidates."""
ZEROS_LEFT_OUT = frozenset(map(plain_name, ("prompt_token_count", "billed_units.input_tokens")))
"""Gemini leaves out counts that are 0, and Cohere those of embeddings."""


_SPELLED = {plain_name(name): name for part in (TokenPart.PROMPT, TokenPart.COMPLETION) for name in COUNT_NAMES[part]}
_BESIDE = {plain_name(one): other for pair in WHOLES for one, other in (pair, reversed(pair))}


def spelled(plain: str) -> str:
    """Return the name of a prompt or completion as its source spells it; "" for others."""
    return _SPELLED.get(plain, "")


def name_beside(plain: str) -> str:
    """Return the name of the completion that belongs to a prompt, or of the prompt to a completion; "" for others."""
    return _BESIDE.get(plain, "")


def part_named(name: str) -> TokenPart | None:
    """Return the meaning of a count with this name; None for a name that is not in the table."""
    plain = plain_name(name)
    return TokenPart.WRITTEN if plain in WRITTEN_FOR else PARTS.get(plain)
