"""Read the reports of LiteLLM's `generic_api` callback, versions 1.106 to 1.109: a JSON array, NDJSON, or one event.

Decision: this dialect is lenient where the native dialect is strict. LiteLLM never sends a batch again after a 4xx, so
no batch is refused for its content: only the event that cannot be read is rejected, and texts that are not kept
(prompts, answers, headers) may be invalid. Only the fields of `UsageReport` are kept of an event.

Source of the rules: recordings of a real proxy, and LiteLLM's source.
- One request can send several events with the same call id (a failure and its fallback), and clients may set the call
  id: only call id, response id, status and start together identify a request.
- `user_api_key_hash` is the key itself where an authentication hook returned it unhashed.
- Counts are in the event and in `metadata.usage_object`, which also has the parts, and has the counts where the event
  has zeros. A hit of LiteLLM's own cache repeats the counts of the first call: it costs nothing, its cost factor is 0.
- A success without counts (images, reranking, speech, tools, interrupted streams) is a request with unknown
  tokens. A failure has none.
- End user, tags and headers are set by the client; only the key identifies the account. The user id and email address
  in `metadata` are those of the proxy's record of the key; they identify the account where the key is not known here.
- Calls that read or manage stored objects (`gateways.call_types`) are replays: their usage, if any, is that of an
  earlier call. Two kinds have new usage: polls of a finished batch, and reads of a response that was created with
  `background`, since creating it returns before anything is generated. Both are polled several times, with the same
  usage each time; so their id is that of the batch or response, and the first one with counts is the request.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from portal.errors import InvalidInput, PortalError, TooLarge
from portal.gateways.call_types import completes_nothing, is_about_batches, manages
from portal.gateways.counts import CountMembers, TokenCounts, read_counts
from portal.gateways.lenient_json import KeptMembers, OptionalMembers, members, objects
from portal.gateways.lenient_values import UnclearValue, account_names, as_latency, mapping, read_instant
from portal.gateways.litellm_ids import IDS, request_id, shared_id, shown_id
from portal.rules.metering.usage import Entry, Rejected, Replay, UsageReport
from portal.rules.people.secrets import as_digest
from portal.rules.text import clip_line

MOST_EVENTS = 10_000
"""Events of a batch; LiteLLM sends up to 512."""

_NOTHING_SPENT = Decimal(0)
_UNFINISHED = {"queued", "validating", "in_progress", "finalizing", "cancelling"}
"""The status of a batch or response while its usage may still grow."""
_KEPT = KeptMembers(
    *IDS,
    *("endTime", "model", "model_group", "prompt_tokens", "completion_tokens", "total_tokens"),
    *("cache_hit", "call_type", "session_id", "trace_id"),
    metadata=KeptMembers(
        *("user_api_key_hash", "user_api_key_user_id", "user_api_key_user_email", "portal_mode"),
        user_api_key_auth_metadata=OptionalMembers("portal_mode"),
        usage_object=CountMembers(),
    ),
    error_information=OptionalMembers("error_code", "error_class"),
    hidden_params=OptionalMembers("batch_models", usage_object=CountMembers()),
    response=OptionalMembers("background", "status", "created_at", "model"),
)

_BROKEN = Rejected(None, "This is no JSON object, or it ends too early.")


def read_litellm(body: bytes, default_mode: str) -> list[Entry]:
    """Return the entry of each event in a body, in order; `default_mode` is the mode of the gateway.

    Raises PortalError for a body without any JSON object, TooLarge for too many events and InvalidInput for none.
    """
    entries: list[Entry] = []
    for event in objects(body):
        if len(entries) == MOST_EVENTS:
            raise TooLarge(f"A batch has at most {MOST_EVENTS:,} events.")
        entries.append(_BROKEN if event is None else _entry(event, default_mode))
    if not entries:
        raise InvalidInput("There are no events.")
    if all(entry == _BROKEN for entry in entries):
        raise PortalError("There is no JSON object in the body.")
    return entries


def _entry(text: bytes, default_mode: str) -> Entry:
    try:
        event = members(text, _KEPT)
        call_type = event.get("call_type")
        if isinstance(call_type, str) and manages(call_type):
            return _replay(event, call_type, default_mode)
        return _request(event, default_mode)
    except UnclearValue as unclear:
        return Rejected(_id_of(text), str(unclear))


def _id_of(text: bytes) -> str | None:
    """Return the id of an event that cannot be read, so that a person can find it in the proxy's logs."""
    try:
        return shown_id(members(text, KeptMembers(*IDS)))
    except UnclearValue:
        return None


def _replay(event: dict[str, Any], call_type: str, default_mode: str) -> Entry:
    """Return a call that generates nothing: a report if its usage is new, else a Replay. Raises UnclearValue."""
    response = mapping(event, "response")
    has_new_usage = is_about_batches(call_type) or response.get("background") is True
    if event.get("status") != "success" or not has_new_usage or response.get("status") in _UNFINISHED:
        return Replay(shown_id(event))
    counts = event_counts(event, no_completion=True)
    id = shared_id("batch" if is_about_batches(call_type) else "response", event.get("id"))
    if not counts.total or not id:
        return Replay(shown_id(event))
    if not _has_model(event):  # a read by id names no model
        models = mapping(event, "hidden_params").get("batch_models")
        named = [*(models if isinstance(models, list) else []), response.get("model"), "unknown-model"]
        event["model"] = next(name for name in named if clip_line(name, 200))
    polled = read_instant(event.get("startTime"), "startTime")
    return _report(event, default_mode, id, counts, _created_at(response, polled), is_only_one=True)


def _created_at(response: dict[str, Any], polled: datetime) -> datetime:
    """Return when a batch or response was created; when it was polled, if that is unknown."""
    try:
        return min(read_instant(response.get("created_at"), "created_at"), polled)
    except UnclearValue:
        return polled


def _request(event: dict[str, Any], default_mode: str) -> UsageReport:
    """Return the report of a call that generates, also of a failed one. Raises UnclearValue."""
    succeeded = event.get("status") == "success"
    no_completion = event.get("status") == "failure" or completes_nothing(str(event.get("call_type")))
    counts = event_counts(event, no_completion=no_completion)
    is_unknown = succeeded and not counts.total and not _is_cache_hit(event)
    if is_unknown and not _has_model(event):
        event["model"] = event.get("call_type")
    start = read_instant(event.get("startTime"), "startTime")
    is_polled = mapping(event, "response").get("background") is True  # its usage may come again
    shared = shared_id("response", event.get("id")) if is_polled and counts.total else ""
    return _report(
        event,
        default_mode,
        shared or request_id(event),
        counts,
        start,
        without_counts=is_unknown or None,
        is_only_one=True if shared else None,
    )


def _has_model(event: dict[str, Any]) -> bool:
    return any(clip_line(event.get(name), 200) for name in ("model_group", "model"))


def _report(
    event: dict[str, Any],
    default_mode: str,
    id: str,
    counts: TokenCounts,
    requested_at: datetime,
    *,
    without_counts: bool | None = None,
    is_only_one: bool | None = None,
) -> UsageReport:
    """Return the report of an event. Raises UnclearValue."""
    metadata = mapping(event, "metadata")
    asked, served = clip_line(event.get("model_group"), 200), clip_line(event.get("model"), 200)
    if not asked and not served:
        raise UnclearValue("There is no model.")
    key = metadata.get("user_api_key_hash")
    return UsageReport(
        id=id,
        model=asked or served,
        provider_model=served if asked and served != asked else None,
        mode=_mode(metadata) or default_mode,
        prompt_tokens=counts.prompt,
        completion_tokens=counts.completion,
        key_hash=as_digest(key if isinstance(key, str) else ""),
        fallback_names=owner_names(metadata),
        cached_tokens=counts.cached,
        reasoning_tokens=counts.reasoning,
        status=_status(event),
        requested_at=requested_at,
        latency_ms=None if is_only_one else _latency(requested_at, event.get("endTime")),
        cost_factor=_NOTHING_SPENT if _is_cache_hit(event) else None,
        session_id=clip_line(event.get("session_id"), 256) or clip_line(event.get("trace_id"), 256) or None,
        without_counts=without_counts,
        is_only_one=is_only_one,
    )


def _mode(metadata: dict[str, Any]) -> str:
    """Return the mode that the deployment or its authentication hook sets; a client cannot set it."""
    for place in (metadata, mapping(metadata, "user_api_key_auth_metadata")):
        if found := clip_line(place.get("portal_mode"), 64):
            return found
    return ""


def owner_names(metadata: dict[str, Any]) -> tuple[str, ...] | None:
    """Return the email address and the user id of a key's owner, from the proxy's record; None without any."""
    return account_names(metadata.get(f"user_api_key_user_{what}") for what in ("email", "id")) or None


def event_counts(event: dict[str, Any], *, no_completion: bool) -> TokenCounts:
    """Return the counts of an event, 0 without any. Raises UnclearValue if a count is invalid or one is missing."""
    usage = mapping(mapping(event, "metadata"), "usage_object")
    usage = dict(usage or mapping(mapping(event, "hidden_params"), "usage_object"))
    for name, other in (("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens")):
        own = event.get(name)
        if own and own != usage.get(other):  # not a copy of the count under its other name
            usage[name] = own
        if own == 0:
            usage.setdefault(name, own)
    if usage.get("prompt_tokens") and event.get("total_tokens"):
        usage.setdefault("total_tokens", event["total_tokens"])
    return read_counts(usage, no_completion=no_completion, texts=False) or TokenCounts(0, 0)


def _is_cache_hit(event: dict[str, Any]) -> bool:
    return str(event.get("cache_hit")).lower() == "true"


def _status(event: dict[str, Any]) -> str:
    """Return `ok`, or the code and class of the error; a client that closed the connection is an error too."""
    error = mapping(event, "error_information")
    words = [error.get(name) for name in ("error_code", "error_class")]
    status = clip_line(" ".join(str(word) for word in words if word and isinstance(word, (str, int))), 64)
    if status in {"", "ok"}:
        return "ok" if event.get("status") == "success" else "failure"
    return status


def _latency(start: datetime, end: object) -> int | None:
    try:
        return as_latency((read_instant(end, "endTime") - start).total_seconds() * 1000)
    except UnclearValue:
        return None
