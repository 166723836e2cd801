"""LiteLLM's own exports: its spend logs, and its daily activity.

Sources: LiteLLM's `schema.prisma` and `spend_tracking_utils.py`, release 1.106; the export of its Usage page.

- `request_id` is unique; `model_group` is the name of the requested model; instants are UTC, in milliseconds. So these
  ids differ from those of live reports of the same requests, which contain the start in microseconds.
- A hit of LiteLLM's own cache repeats the counts of the first call: it costs nothing, its cost factor is 0.
- Calls that read or manage stored objects repeat usage, as in `gateways.litellm`. A batch has the same id in both.
- Each row of the daily activity is the sum of a day and a model; in its tables and its API also of a key.
"""

from dataclasses import replace
from datetime import UTC
from typing import Any

from portal.gateways.call_types import completes_nothing, is_about_batches, manages
from portal.gateways.lenient_values import mapping
from portal.gateways.litellm import event_counts, owner_names
from portal.gateways.litellm_ids import shared_id
from portal.imports.cells import as_count, as_object, as_text
from portal.imports.formats.format import Fields, FileFormat, Skip, by_own_name, set_latency, without_counts
from portal.rules.metering.usage import Replay
from portal.rules.text import clip_line


def _spend_log(fields: Fields) -> Skip | Replay | None:
    metadata, call_type = as_object(fields.pop("metadata", None)), str(fields.pop("call_type", ""))
    is_hit = str(fields.pop("cache_hit", "")).lower() == "true"
    failed = fields.get("status", metadata.get("status")) == "failure"
    asked, served = _name(fields, "model"), _name(fields, "provider_model")
    counts = event_counts(_event(fields, metadata), no_completion=failed or completes_nothing(call_type))
    if failed and not (asked or served or counts.total):
        return "failed before a model was chosen"
    set_latency(fields)
    is_unknown = not (failed or is_hit or counts.total)
    if manages(call_type):
        if failed or not counts.total or not is_about_batches(call_type):
            return Replay(None)
        _make_batch(fields)
        asked = asked or served or "unknown-model"  # a read by id names no model
    fields["model"] = asked or served or (call_type if is_unknown else "")
    fields["provider_model"] = served if asked and served != asked else ""
    fields["status"] = _failure(mapping(metadata, "error_information")) if failed else "ok"
    fields |= {"prompt_tokens": counts.prompt, "completion_tokens": counts.completion}
    fields |= {"cached_tokens": counts.cached, "reasoning_tokens": counts.reasoning}
    _name_person(fields, metadata)
    if is_unknown:
        without_counts(fields)
    if is_hit:
        fields.setdefault("cost_factor", "0")
    return None


def _event(fields: Fields, metadata: dict[str, Any]) -> dict[str, Any]:
    """Return the counts of a row in the form of a live event."""
    usage = mapping(metadata, "usage_object") or mapping(metadata, "additional_usage_values")
    event: dict[str, Any] = {"metadata": {"usage_object": usage}}
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        if name in fields:
            event[name] = as_count(fields[name], name)
    fields.pop("total_tokens", None)
    return event


def _make_batch(fields: Fields) -> None:
    """Set the common id of all polls of a batch; the first poll is the request."""
    fields |= {"id": shared_id("batch", fields.get("id")) or fields.get("id"), "is_only_one": True}
    fields.pop("latency_ms", None)


def _name_person(fields: Fields, metadata: dict[str, Any]) -> None:
    """Set an empty key if the row has none, so that the request is held, and the names of the key's owner."""
    user = fields.pop("user", None)
    if not fields.keys() & {"username", "api_key_hash"}:
        fields.setdefault("api_key", "")
        fields["fallback_names"] = owner_names(metadata) or owner_names({"user_api_key_user_id": user})


def _failure(error: dict[str, Any]) -> str:
    """Return the code and class of an error, the same as in live reports."""
    words = " ".join(str(error[name]) for name in ("error_code", "error_class") if error.get(name))
    return clip_line(words, 64) or "failure"


def _name(fields: Fields, field: str) -> str:
    return clip_line(as_text(fields.pop(field, ""), field), 200)


LITELLM = FileFormat(
    "LiteLLM's spend logs",
    "litellm",
    {
        "id": ["requestid"],
        "api_key": ["apikey"],
        "user": ["user"],
        "model": ["modelgroup"],
        "provider_model": ["model"],
        "prompt_tokens": ["prompttokens"],
        "completion_tokens": ["completiontokens"],
        "total_tokens": ["totaltokens"],
        "requested_at": ["starttime"],
        "ended_at": ["endtime"],
        "latency_ms": ["requestdurationms"],
        "status": ["status"],
        "call_type": ["calltype"],
        "cache_hit": ["cachehit"],
        "session_id": ["sessionid"],
        "metadata": ["metadata"],
    },
    {},
    frozenset({"requestid", "calltype", "apikey", "prompttokens", "completiontokens", "starttime", "model"}),
    _spend_log,
    UTC,
)
_DAILY = FileFormat(
    "LiteLLM's daily activity",
    "litellm",
    {
        "id": ["id"],
        "api_key": ["apikey"],
        "username": ["user", "useremail", "userid"],
        "model": ["model"],
        "requested_at": ["date"],
    },
    by_own_name(
        *("prompt_tokens", "completion_tokens", "total_tokens"),
        *("cache_read_input_tokens", "cache_creation_input_tokens"),
    ),
    frozenset({"date", "model", "spend", "requests", "totaltokens", "prompttokens", "completiontokens"}),
    zone=UTC,
    beside=False,
    aggregate="A row is the sum of a day and a model.",
    is_sum=True,
)
LITELLM_DAILY = (
    _DAILY,
    replace(_DAILY, marks=frozenset({"date", "model", "spend", "apirequests", "prompttokens", "completiontokens"})),
)
