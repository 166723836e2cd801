"""Usage of coding agents: Cursor's events, the sums of ccusage, and the reports of others such as GitHub's.

Source: Cursor's documentation, and files of public reports. The counts of all of them are disjoint.

- Cursor's CSV has four counts and their total. "Input (w/ Cache Write)" is the number of tokens written to a cache.
- Cursor's Admin API has the same four counts in `tokenUsage`; requests that are not billed by tokens have none.
- Cursor's `kind` says whether a request was aborted or failed.
- ccusage sums the logs of Claude Code by day or session and by model.
"""

from datetime import UTC

from portal.imports.formats.format import Fields, FileFormat, by_own_name, pop_text

_UNSUCCESSFUL = ("errored", "aborted", "failed", "cancel")


def _refine(fields: Fields) -> None:
    kind = pop_text(fields, "kind")
    if kind.lower().startswith(_UNSUCCESSFUL):
        fields["status"] = kind


CURSOR = FileFormat(
    "Cursor's usage events",
    "cursor",
    {
        "username": ["user", "useremail", "email"],
        "model": ["model"],
        "requested_at": ["date", "timestamp"],
        "kind": ["kind"],
    },
    {
        "inputwcachewrite": "cache_creation_input_tokens",
        "inputwocachewrite": "input_tokens",
        "cacheread": "cache_read_input_tokens",
        "output": "output_tokens",
        **by_own_name("output_tokens", "total_tokens"),
    },
    frozenset({"date", "model", "inputwcachewrite", "inputwocachewrite", "cacheread"}),
    _refine,
    beside=True,
)
CURSOR_API = FileFormat(
    "Cursor's usage events of its Admin API",
    "cursor",
    {"username": ["useremail"], "model": ["model"], "requested_at": ["timestamp"], "kind": ["kind"]},
    {
        "tokenusageinputtokens": "input_tokens",
        "tokenusageoutputtokens": "output_tokens",
        "tokenusagecachewritetokens": "cache_creation_input_tokens",
        "tokenusagecachereadtokens": "cache_read_input_tokens",
    },
    frozenset({"timestamp", "useremail", "model", "kind", "tokenusageinputtokens", "tokenusageoutputtokens"}),
    _refine,
    UTC,
    beside=True,
)
CCUSAGE = FileFormat(
    "ccusage",
    "ccusage",
    {"model": ["modelname"], "requested_at": ["date", "lastactivity"]},
    {
        **by_own_name("input_tokens", "output_tokens"),
        "cachecreationtokens": "cache_creation_input_tokens",
        "cachereadtokens": "cache_read_input_tokens",
    },
    frozenset({"modelname", "modelsused", "inputtokens", "outputtokens", "cachecreationtokens", "cachereadtokens"}),
    beside=True,
    aggregate="A row is the sum of a day or session and a model.",
    is_sum=True,
)
AGENTS = FileFormat(
    "usage with the columns input, output, cache_read and cache_write",
    "files",
    {
        "id": ["id", "requestid", "messageid"],
        "username": ["username", "user", "login", "useremail", "email"],
        "model": ["model", "modelid"],
        "requested_at": ["timestamp", "date", "createdat", "time"],
        "session_id": ["sessionid"],
    },
    {
        "input": "input_tokens",
        "output": "output_tokens",
        "cacheread": "cache_read_input_tokens",
        "cachewrite": "cache_creation_input_tokens",
        "reasoning": "reasoning_tokens",
        "total": "total_tokens",
        "totaltokens": "total_tokens",
    },
    frozenset({"model", "input", "output", "cacheread", "cachewrite"}),
)
