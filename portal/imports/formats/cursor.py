"""Cursor's usage events: its CSV export and its Admin API.

Source: Cursor's documentation, and files of public reports.

- The CSV has four disjoint counts and their total. "Input (w/ Cache Write)" is the number of tokens written to a cache.
- The Admin API has the same four counts in `tokenUsage`; requests that are not billed by tokens have none.
- `kind` says whether a request was aborted or failed.
"""

from datetime import UTC

from portal.imports.formats.format import Fields, FileFormat, pop_text

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
        "outputtokens": "output_tokens",
        "output": "output_tokens",
        "totaltokens": "total_tokens",
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
