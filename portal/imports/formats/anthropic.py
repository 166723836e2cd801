"""Anthropic's usage reports: the console's CSV, the Admin API's JSON, and its report of Claude Code.

Source: Anthropic's documentation of its usage and cost API. The counts of a day or bucket, a model and a key are
disjoint; a key has its name only. The report of Claude Code has a row for each person and model.
"""

from datetime import UTC

from portal.imports.formats.format import FileFormat, by_own_name

ANTHROPIC = FileFormat(
    "Anthropic's usage report",
    "anthropic",
    {"username": ["user", "useremail", "email"], "model": ["modelversion", "model"], "requested_at": ["usagedateutc"]},
    {
        "usageinputtokensnocache": "input_tokens",
        "usageinputtokenscachewrite": "cache_creation_input_tokens",
        "usageinputtokenscachewrite5m": "cache_creation.ephemeral_5m_input_tokens",
        "usageinputtokenscachewrite1h": "cache_creation.ephemeral_1h_input_tokens",
        "usageinputtokenscacheread": "cache_read_input_tokens",
        "usageoutputtokens": "output_tokens",
    },
    frozenset({"usagedateutc", "usageinputtokensnocache", "usageoutputtokens"}),
    zone=UTC,
    beside=True,
    aggregate="A row is the sum of a day, a model and a key.",
    is_sum=True,
)
ANTHROPIC_API = FileFormat(
    "Anthropic's usage report of its Admin API",
    "anthropic",
    {"username": ["user", "useremail", "email"], "model": ["model"], "requested_at": ["startingat"]},
    {
        "uncachedinputtokens": "input_tokens",
        **by_own_name("output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
        "cachecreationephemeral5minputtokens": "cache_creation.ephemeral_5m_input_tokens",
        "cachecreationephemeral1hinputtokens": "cache_creation.ephemeral_1h_input_tokens",
    },
    frozenset({"startingat", "endingat", "uncachedinputtokens", "outputtokens"}),
    zone=UTC,
    beside=True,
    aggregate="A row is the sum of a bucket of time.",
    is_sum=True,
)
CLAUDE_CODE = FileFormat(
    "Anthropic's report of Claude Code",
    "anthropic",
    {"username": ["actoremailaddress"], "model": ["model"], "requested_at": ["date"]},
    {
        "tokensinput": "input_tokens",
        "tokensoutput": "output_tokens",
        "tokenscacheread": "cache_read_input_tokens",
        "tokenscachecreation": "cache_creation_input_tokens",
    },
    frozenset({"date", "actortype", "model", "tokensinput", "tokensoutput", "tokenscacheread"}),
    zone=UTC,
    beside=True,
    aggregate="A row is the sum of a day, a person and a model.",
    is_sum=True,
)
