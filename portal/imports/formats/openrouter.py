"""OpenRouter's activity: requests, and sums by day.

Source: OpenRouter's documentation of its activity export and activity API. Cached tokens are part of the prompt,
reasoning is part of the completion. A row of the activity by day is the sum of a day, a model and an endpoint. Instants
are UTC.
"""

from datetime import UTC

from portal.imports.formats.format import Fields, FileFormat, by_own_name, pop_text


def _refine(fields: Fields) -> None:
    cancelled, finish = pop_text(fields, "cancelled").lower(), pop_text(fields, "finish").lower()
    if cancelled == "true":
        fields["status"] = "cancelled"
    elif finish == "error":
        fields["status"] = "error"


OPENROUTER = FileFormat(
    "OpenRouter's activity",
    "openrouter",
    {
        "id": ["generationid"],
        "username": ["user", "useremail"],
        "model": ["modelpermaslug"],
        "requested_at": ["createdat"],
        "latency_ms": ["generationtimems"],
        "cancelled": ["cancelled"],
        "finish": ["finishreasonnormalized"],
    },
    {
        "tokensprompt": "prompt_tokens",
        "tokenscompletion": "completion_tokens",
        "tokensreasoning": "reasoning_tokens",
        "tokenscached": "cached_tokens",
        **by_own_name("native_tokens_prompt", "native_tokens_completion"),
        **by_own_name("native_tokens_reasoning", "native_tokens_cached"),
    },
    frozenset({"generationid", "createdat", "tokensprompt", "tokenscompletion", "modelpermaslug"}),
    _refine,
    UTC,
    beside=False,
)
OPENROUTER_DAYS = FileFormat(
    "OpenRouter's activity by day",
    "openrouter",
    {"username": ["user", "useremail"], "model": ["modelpermaslug"], "requested_at": ["date"]},
    by_own_name("prompt_tokens", "completion_tokens", "reasoning_tokens"),
    frozenset({"date", "modelpermaslug", "endpointid", "requests", "prompttokens", "completiontokens"}),
    zone=UTC,
    beside=False,
    aggregate="A row is the sum of a day, a model and an endpoint.",
    is_sum=True,
)
