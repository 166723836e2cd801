"""New-API's and One-API's logs.

Source: `model/log.go` of both, and `text_quota.go` for the column `other` of New-API.

- Only rows of type 2 are usage; the others are top-ups, changes, or failed attempts.
- For Anthropic's models `prompt_tokens` excludes tokens read from and written to a cache; here they are added, since a
  prompt includes them everywhere in the portal.
- The ids in exports of single users begin at 1 in each file; those of the table are unique.
"""

from typing import Any

from portal.imports.cells import as_count, as_number, as_object
from portal.imports.formats.format import COUNTS, Fields, FileFormat, Skip
from portal.rules.text import clip_line

_CONSUMED = 2
_NO_USAGE = {1: "top-ups", 3: "changes by administrators", 4: "of the system", 5: "failed attempts", 6: "refunds"}
"""By New-API's number of their type."""


def _refine(fields: Fields) -> Skip | None:
    kind, other = as_count(fields.pop("type", None), "type"), as_object(fields.pop("other", None))
    if kind != _CONSUMED:
        return _NO_USAGE.get(kind, f"of type {kind}")
    prompt = as_count(fields.get("prompt_tokens"), "prompt_tokens")
    cached, total = _natural(other, "cache_tokens"), _natural(other, "input_tokens_total")
    if total:
        prompt = total
    elif other.get("claude") is True or other.get("usage_semantic") == "anthropic":
        written = _natural(other, "cache_creation_tokens_5m") + _natural(other, "cache_creation_tokens_1h")
        prompt += cached + max(_natural(other, "cache_creation_tokens"), written)
    fields["prompt_tokens"] = prompt
    fields.setdefault("cached_tokens", min(cached, prompt))
    if other.get("is_model_mapped") is True:
        fields.setdefault("provider_model", clip_line(other.get("upstream_model_name"), 200))
    if "seconds" in fields:
        fields.setdefault("latency_ms", as_number(fields.pop("seconds"), "use_time") * 1000)
    return None


def _natural(other: dict[str, Any], name: str) -> int:
    found = other.get(name)
    return found if type(found) is int and found > 0 else 0


NEW_API = FileFormat(
    "New-API's logs",
    "new-api",
    {
        "id": ["id"],
        "username": ["username"],
        "model": ["modelname"],
        **COUNTS,
        "requested_at": ["createdat"],
        "seconds": ["usetime"],
        "latency_ms": ["elapsedtime"],
        "type": ["type"],
        "other": ["other"],
    },
    {},
    frozenset({"id", "createdat", "type", "username", "modelname", "quota", "prompttokens", "completiontokens"}),
    _refine,
)
