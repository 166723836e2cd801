"""What LiteLLM's `generic_api` callback sends, versions 1.106 to 1.109: a JSON array, NDJSON, or one event.

Decision: everything here is lenient where the native dialect is strict. LiteLLM never repeats what was answered with a
4xx, so a batch is taken whatever it holds: an event that cannot be understood is rejected alone, and texts that are not
kept (prompts, answers, headers) may hold anything. Nothing of an event is kept but what `UsageReport` names.

Source of the rules: recordings of a real proxy.
- One request can send several events of one call id (a failure and its fallback), and clients may choose the call id
  themselves: only call id, response id, status and start together tell requests apart.
- `user_api_key_hash` is the key itself where an authentication hook returned it unhashed.
- `prompt_tokens` includes what was read from and written to a cache. A hit of LiteLLM's own cache repeats the counts of
  the first call: nothing was spent, so its cost factor is 0.
- End user, tags and headers are the client's word; whose a request is, only its key says.
"""

import hashlib
import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from portal.errors import InvalidInput, PortalError, TooLarge
from portal.gateways.objects import members, objects
from portal.gateways.values import (
    COMPLETION_DETAILS,
    PROMPT_DETAILS,
    Unclear,
    detail,
    first_said,
    instant,
    latency,
    mapping,
    part_of,
    token_count,
)
from portal.rules.secrets import as_digest
from portal.rules.text import clip_line
from portal.rules.usage import LONGEST_ID, Rejected, UsageReport

MOST_EVENTS = 10_000
"""Events of a batch; LiteLLM sends up to 512."""


_NOTHING_SPENT = Decimal(0)
_IDS = ("litellm_call_id", "id", "status", "startTime")
_KEPT = {
    *_IDS,
    "endTime",
    "model",
    "model_group",
    "prompt_tokens",
    "completion_tokens",
    "metadata",
    "error_information",
    "cache_hit",
    "call_type",
    "session_id",
    "trace_id",
}

_BROKEN = Rejected(None, "This is no JSON object, or it ends too early.")


def read_litellm(body: bytes, default_mode: str) -> list[UsageReport | Rejected]:
    """Return what LiteLLM reports, event by event, in order; `default_mode` is that of the gateway.

    Raises PortalError for a body without any JSON in it, TooLarge for too many events and InvalidInput for none.
    """
    reports: list[UsageReport | Rejected] = []
    for event in objects(body):
        if len(reports) == MOST_EVENTS:
            raise TooLarge(f"A batch has at most {MOST_EVENTS:,} events.")
        reports.append(_BROKEN if event is None else _report(event, default_mode))
    if not reports:
        raise InvalidInput("There are no events.")
    if all(report == _BROKEN for report in reports):
        raise PortalError("There is no JSON object in the body.")
    return reports


def _report(text: bytes, default_mode: str) -> UsageReport | Rejected:
    said: dict[str, Any] = {}
    try:
        said = members(text, _KEPT)
        return _understood(said, default_mode)
    except Unclear as unclear:
        return Rejected(_response_id(said), str(unclear))


def _understood(event: dict[str, Any], default_mode: str) -> UsageReport:
    """Return an event as a report. Raises Unclear."""
    metadata = mapping(event, "metadata")
    usage = mapping(metadata, "usage_object")
    prompt = _tokens(event, usage, "prompt_tokens", "input_tokens")
    completion = _tokens(event, usage, "completion_tokens", "output_tokens")
    asked, served = clip_line(event.get("model_group"), 200), clip_line(event.get("model"), 200)
    if not asked and not served:
        raise Unclear("There is no model.")
    start = instant(event.get("startTime"), "startTime")
    key = metadata.get("user_api_key_hash")
    return UsageReport(
        id=_identity(event),
        model=asked or served,
        provider_model=served if asked and served != asked else None,
        mode=_mode(metadata) or default_mode,
        prompt_tokens=prompt,
        completion_tokens=completion,
        key_hash=as_digest(key if isinstance(key, str) else ""),
        cached_tokens=part_of(prompt, detail(usage, "cached_tokens", *PROMPT_DETAILS)),
        reasoning_tokens=part_of(completion, detail(usage, "reasoning_tokens", *COMPLETION_DETAILS)),
        status=_status(event),
        requested_at=start,
        latency_ms=_latency(start, event.get("endTime")),
        cost_factor=_NOTHING_SPENT if str(event.get("cache_hit")).lower() == "true" else None,
        session_id=clip_line(event.get("session_id"), 256) or clip_line(event.get("trace_id"), 256) or None,
    )


def _identity(event: dict[str, Any]) -> str:
    """Return what tells a request apart from every other one of its gateway, for ever.

    Raises Unclear where there is nothing of it.
    """
    call, response, status, start = (event.get(name) for name in _IDS)
    if not call and not response:
        raise Unclear("There is neither litellm_call_id nor id.")
    if any(part is not None and not isinstance(part, (str, int, float)) for part in (call, response, status)):
        raise Unclear("litellm_call_id, id and status are texts.")
    text = json.dumps([call, response, status, start])
    parts = [part for part in (call, response, status) if isinstance(part, str) and "/" not in part]
    plain = "/".join([*parts, json.dumps(start)])
    is_plain = len(parts) == 3 and plain.isascii() and plain.isprintable() and len(plain) <= LONGEST_ID
    return plain if is_plain else f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _response_id(event: dict[str, Any]) -> str | None:
    return clip_line(event.get("id"), LONGEST_ID) or None


def _mode(metadata: dict[str, Any]) -> str:
    """Return the mode that the deployment or its authentication hook names, never one that a client names."""
    for place in (metadata, mapping(metadata, "user_api_key_auth_metadata")):
        if found := clip_line(place.get("portal_mode"), 64):
            return found
    return ""


def _tokens(event: dict[str, Any], usage: dict[str, Any], name: str, other_name: str) -> int:
    """Return a token count. Raises Unclear; what is not known of a successful call is never a silent zero.

    Embeddings have no completion.
    """
    own, counted = event.get(name), first_said(usage.get(name), usage.get(other_name))
    said = own if own or counted is None else counted
    embeds = name == "completion_tokens" and "embedding" in str(event.get("call_type"))
    if said is None and (event.get("status") == "failure" or embeds):
        return 0
    return token_count(said, name)


def _status(event: dict[str, Any]) -> str:
    """Return `ok`, or the code and class of the error; a client that hung up is one, though LiteLLM says success."""
    error = mapping(event, "error_information")
    words = [error.get(name) for name in ("error_code", "error_class")]
    said = clip_line(" ".join(str(word) for word in words if word and isinstance(word, (str, int))), 64)
    if said in {"", "ok"}:
        return "ok" if event.get("status") == "success" else "failure"
    return said


def _latency(start: datetime, said: object) -> int | None:
    try:
        return latency((instant(said, "endTime") - start).total_seconds() * 1000)
    except Unclear:
        return None
