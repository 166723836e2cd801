"""Langfuse's observations.

Source: Langfuse's documentation of its exports. Only observations of a model have usage; `usage_details` are disjoint
counts and their total.
"""

from datetime import UTC

from portal.gateways.count_names import PARTS
from portal.imports.formats.format import Fields, FileFormat, Skip, pop_text, set_latency


def _refine(fields: Fields) -> Skip | None:
    kind = pop_text(fields, "type").upper()
    if kind not in {"", "GENERATION", "EMBEDDING"}:
        return f"observations of type {kind[:64]}"
    level = pop_text(fields, "level").upper()
    if level == "ERROR":
        fields["status"] = "error"
    set_latency(fields)
    return None


LANGFUSE = FileFormat(
    "Langfuse's observations",
    "langfuse",
    {
        "id": ["id"],
        "username": ["userid", "user"],
        "model": ["model", "providedmodelname"],
        "requested_at": ["starttime"],
        "ended_at": ["endtime"],
        "type": ["type"],
        "level": ["level"],
        "session_id": ["sessionid", "traceid"],
    },
    {name: name for name in PARTS}
    | {"inputusage": "prompt_tokens", "outputusage": "completion_tokens", "totalusage": "total_tokens"},
    frozenset({"id", "traceid", "type", "starttime", "level"}),
    _refine,
    UTC,
)
