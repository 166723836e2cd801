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
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from portal.errors import InvalidInput, PortalError, TooLarge
from portal.gateways.native import LONGEST_ID, LONGEST_LATENCY, Rejected
from portal.rules.instants import parse_instant
from portal.rules.pricing import MAX_TOKENS
from portal.rules.secrets import digest
from portal.rules.text import clip_line
from portal.rules.usage import UsageReport

MOST_EVENTS = 10_000
"""Events of a batch; LiteLLM sends up to 512."""

_SHA256 = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_SPACE = re.compile(r"[ \t\r\n]*")
_NOTHING_SPENT = Decimal(0)


class _Unclear(ValueError):
    """An event cannot be understood; the message is a sentence."""


def read_litellm(body: bytes, default_mode: str) -> list[UsageReport | Rejected]:
    """Return what LiteLLM reports, event by event, in order; `default_mode` is that of the gateway.

    Raises PortalError for a body without any JSON in it, TooLarge for too many events and InvalidInput for none.
    """
    reports: list[UsageReport | Rejected] = []
    for item in _items(body.decode("utf-8", "surrogateescape")):
        if len(reports) == MOST_EVENTS:
            raise TooLarge(f"A batch has at most {MOST_EVENTS:,} events.")
        reports.append(item if isinstance(item, Rejected) else _report(item, default_mode))
    if not reports:
        raise InvalidInput("There are no events.")
    if all(isinstance(report, Rejected) and report == _BROKEN for report in reports):
        raise PortalError("This is not JSON.")
    return reports


_BROKEN = Rejected(None, "This is not JSON, or it ends too early.")


def _items(text: str) -> Iterator[object]:
    """Yield the values of an array, or of a text that holds one or several; where one is broken, `_BROKEN`."""
    decoder, at = json.JSONDecoder(), _after_space(text, 0)
    in_array = text.startswith("[", at)
    if in_array:
        at = _after_space(text, at + 1)
    while at < len(text) and not (in_array and text[at] == "]"):
        try:
            item, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):  # ValueError: also a number of thousands of digits
            yield _BROKEN
            at = _next_line(text, at)
        else:
            yield item
        at = _after_space(text, at)
        if text.startswith(",", at):
            at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _next_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _report(item: object, default_mode: str) -> UsageReport | Rejected:
    if not isinstance(item, dict):
        return Rejected(None, "An event is a JSON object.")
    try:
        return _understood(item, default_mode)
    except _Unclear as unclear:
        return Rejected(_response_id(item), str(unclear))


def _understood(event: dict[str, Any], default_mode: str) -> UsageReport:
    """Return an event as a report. Raises _Unclear."""
    metadata = _object(event, "metadata")
    usage = _object(metadata, "usage_object")
    prompt = _tokens(event, usage, "prompt_tokens", "input_tokens")
    completion = _tokens(event, usage, "completion_tokens", "output_tokens")
    asked, served = clip_line(event.get("model_group"), 200), clip_line(event.get("model"), 200)
    if not asked and not served:
        raise _Unclear("There is no model.")
    start = _instant(event.get("startTime"))
    return UsageReport(
        id=_identity(event),
        model=asked or served,
        provider_model=served if asked and served != asked else None,
        mode=_mode(metadata) or default_mode,
        prompt_tokens=prompt,
        completion_tokens=completion,
        key_hash=_key_hash(metadata.get("user_api_key_hash")),
        cached_tokens=_part(usage, ("prompt_tokens_details", "input_tokens_details"), "cached_tokens", prompt),
        reasoning_tokens=_part(
            usage, ("completion_tokens_details", "output_tokens_details"), "reasoning_tokens", completion
        ),
        status=_status(event),
        requested_at=start,
        latency_ms=_latency(start, event.get("endTime")),
        cost_factor=_NOTHING_SPENT if event.get("cache_hit") is True else None,
        session_id=clip_line(event.get("session_id"), 256) or clip_line(event.get("trace_id"), 256) or None,
    )


def _object(parent: dict[str, Any], name: str) -> dict[str, Any]:
    found = parent.get(name)
    return found if isinstance(found, dict) else {}


def _identity(event: dict[str, Any]) -> str:
    """Return what tells a request apart from every other one of its gateway, for ever.

    Raises _Unclear where there is nothing of it.
    """
    parts = [event.get(name) for name in ("litellm_call_id", "id", "status", "startTime")]
    if not parts[0] and not parts[1]:
        raise _Unclear("There is neither litellm_call_id nor id.")
    text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"), default=str)
    plain = "/".join(part if isinstance(part, str) else json.dumps(part) for part in parts)
    is_plain = all(isinstance(part, (str, float, int)) for part in parts) and plain.isascii() and plain.isprintable()
    if is_plain and "/" not in "".join(map(str, parts)) and len(plain) <= LONGEST_ID:
        return plain
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _response_id(event: dict[str, Any]) -> str | None:
    return clip_line(event.get("id"), LONGEST_ID) or None


def _key_hash(said: object) -> str:
    """Return the digest of the key a request was made with; a digest that stands there already, as it is."""
    text = said if isinstance(said, str) else ""
    return text.lower() if _SHA256.fullmatch(text) else digest(text)


def _mode(metadata: dict[str, Any]) -> str:
    """Return the mode that the deployment or its authentication hook names, never one that a client names."""
    for place in (metadata, _object(metadata, "user_api_key_auth_metadata")):
        if found := clip_line(place.get("portal_mode"), 64):
            return found
    return ""


def _tokens(event: dict[str, Any], usage: dict[str, Any], name: str, other_name: str) -> int:
    """Return a token count. Raises _Unclear; what is not known of a successful call is never a silent zero."""
    said = next((v for v in (event.get(name), usage.get(name), usage.get(other_name)) if v is not None), None)
    if said is None and event.get("status") == "failure":
        return 0
    if isinstance(said, float) and said.is_integer():
        said = int(said)
    if type(said) is not int or not 0 <= said <= MAX_TOKENS:
        raise _Unclear(f"{name} must be a whole number from 0 to {MAX_TOKENS:,}.")
    return said


def _part(usage: dict[str, Any], places: tuple[str, ...], name: str, whole: int) -> int:
    """Return how many of `whole` tokens were of a kind; 0 where nothing sensible is said, since the sum is known."""
    said = next((v for v in (_object(usage, place).get(name) for place in places) if v is not None), 0)
    return min(said, whole) if type(said) is int and said > 0 else 0


def _status(event: dict[str, Any]) -> str:
    """Return `ok`, or the code and class of the error; a client that hung up is one, though LiteLLM says success."""
    error = _object(event, "error_information")
    words = [clip_line(str(error.get(name) or ""), 64) for name in ("error_code", "error_class")]
    said = clip_line(" ".join(filter(None, words)), 64)
    return said or ("ok" if event.get("status") == "success" else "failure")


def _instant(said: object) -> datetime:
    """Return an instant given in seconds since 1970 or as ISO 8601. Raises _Unclear."""
    try:
        if isinstance(said, str):
            return parse_instant(said)
        if isinstance(said, (int, float)) and not isinstance(said, bool) and math.isfinite(said):
            return datetime.fromtimestamp(said, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise _Unclear("startTime is no instant.")


def _latency(start: datetime, said: object) -> int | None:
    try:
        took = round((_instant(said) - start).total_seconds() * 1000)
    except _Unclear:
        return None
    return took if 0 <= took <= LONGEST_LATENCY else None
