"""Helicone's requests. An answer from Helicone's cache costs nothing."""

from datetime import UTC

from portal.imports.formats.format import Fields, FileFormat, by_own_name, pop_text


def _refine(fields: Fields) -> None:
    if pop_text(fields, "cached_from") or pop_text(fields, "cached").lower() in {"true", "1"}:
        fields.setdefault("cost_factor", "0")


HELICONE = FileFormat(
    "Helicone's requests",
    "helicone",
    {
        "id": ["requestid", "responseid"],
        "username": ["requestuserid", "userid"],
        "model": ["requestmodel", "responsemodel", "modeloverride", "model"],
        "requested_at": ["requestcreatedat"],
        "status": ["responsestatus"],
        "latency_ms": ["delayms"],
        "cached_from": ["cachereferenceid"],
        "cached": ["cacheenabledhit", "cachehit"],
    },
    by_own_name("prompt_tokens", "completion_tokens", "total_tokens", "reasoning_tokens")
    | {"promptcachereadtokens": "cache_read_tokens", "promptcachewritetokens": "cache_write_tokens"},
    frozenset({"requestcreatedat", "prompttokens", "completiontokens"}),
    _refine,
    UTC,
)
