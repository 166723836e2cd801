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
from portal.rules.instants import parse_instant
from portal.rules.pricing import MAX_TOKENS
from portal.rules.secrets import digest, is_digest
from portal.rules.text import clip_line
from portal.rules.usage import LONGEST_ID, LONGEST_LATENCY, Rejected, UsageReport

MOST_EVENTS = 10_000
"""Events of a batch; LiteLLM sends up to 512."""

LONGEST_MEMBER = 2_000_000
"""Bytes of a member of an event that is read; the counts and names are in a few thousand."""
MOST_TOKENS = 2_000_000
"""Brackets and texts of a batch; passing over more would take seconds."""

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
    "session_id",
    "trace_id",
}

_TEXT = rb'"(?:[^"\\\n]++|\\[^\n])*+(?:"|\\?(?=\n|\Z))'
_BETWEEN = re.compile(rb"(?:[\s,\[\]]|\xef\xbb\xbf)*+")
_OTHER = re.compile(_TEXT + rb'|[^\s,\[\]{"]++')
_TOKEN = re.compile(_TEXT + rb"|[{}\[\]]|\n(?=\{)")
_SPACE = re.compile(rb"\s*+")
_KEY = re.compile(_TEXT + rb"\s*+:\s*+")
_SCALAR = re.compile(_TEXT + rb"|[^\s,{}\[\]]++")


class _Unclear(ValueError):
    """An event cannot be understood; the message is a sentence."""


_BROKEN = Rejected(None, "This is no JSON object, or it ends too early.")


def read_litellm(body: bytes, default_mode: str) -> list[UsageReport | Rejected]:
    """Return what LiteLLM reports, event by event, in order; `default_mode` is that of the gateway.

    Raises PortalError for a body without any JSON in it, TooLarge for too many events and InvalidInput for none.
    """
    reports: list[UsageReport | Rejected] = []
    for event in _events(body):
        if len(reports) == MOST_EVENTS:
            raise TooLarge(f"A batch has at most {MOST_EVENTS:,} events.")
        reports.append(_BROKEN if event is None else _report(event, default_mode))
    if not reports:
        raise InvalidInput("There are no events.")
    if all(report == _BROKEN for report in reports):
        raise PortalError("There is no JSON object in the body.")
    return reports


def _events(body: bytes) -> Iterator[bytes | None]:
    """Yield the text of each object of a body, whether it is in an array or not; None for everything else.

    Each byte is passed over once. Raises TooLarge.
    """
    skip, at = _Skip(body), 0
    while (at := _end(_BETWEEN, body, at)) < len(body):
        start = at
        if body.startswith(b"{", at):
            at, is_whole = skip.brackets(at)
            yield body[start:at] if is_whole else None
        else:
            at = _end(_OTHER, body, at)
            yield None


class _Skip:
    """Passes over the brackets of a text, without reading what is in them."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._left = MOST_TOKENS

    def brackets(self, at: int) -> tuple[int, bool]:
        """Return where what opens at `at` closes, and that it does; else where the next object begins, or the end.

        An object that begins a line is the next one of NDJSON, when the one before it ended too early.
        """
        depth = 0
        for token in _TOKEN.finditer(self._text, at):
            self._left -= 1
            if self._left < 0:
                raise TooLarge(f"A batch has at most {MOST_TOKENS:,} texts, lists and objects.")
            found = token[0]
            if found == b"\n":
                return token.end(), False
            depth += (found in {b"{", b"["}) - (found in {b"}", b"]"})
            if depth == 0:
                return token.end(), True
        return len(self._text), False


def _end(pattern: re.Pattern[bytes], text: bytes, at: int) -> int:
    """Return where the match at `at` ends; `at` itself without one."""
    found = pattern.match(text, at)
    return found.end() if found else at


def _members(text: bytes) -> dict[str, Any]:
    """Return the members of an object that are kept; the others are passed over. Raises _Unclear."""
    members, skip, at = {}, _Skip(text), _end(_SPACE, text, 1)
    while not text.startswith(b"}", at):
        start = _end(_KEY, text, at)
        end = skip.brackets(start)[0] if text[start : start + 1] in {b"{", b"["} else _end(_SCALAR, text, start)
        if not at < start < end:
            raise _Unclear("This is not JSON.")
        name = text[at:start].rstrip(b" \t\r\n:").strip(b'"').decode("ascii", "replace")
        if name in _KEPT:
            members[name] = _value(name, text[start:end])
        at = _end(_SPACE, text, end)
        if text.startswith(b",", at):
            at = _end(_SPACE, text, at + 1)
        elif not text.startswith(b"}", at):
            raise _Unclear("This is not JSON.")
    return members


def _value(name: str, text: bytes) -> Any:
    if len(text) > LONGEST_MEMBER:
        raise _Unclear(f"{name} is longer than {LONGEST_MEMBER:,} bytes.")
    try:
        return json.loads(text.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):  # ValueError: also a number of thousands of digits
        raise _Unclear(f"{name} cannot be read.") from None


def _report(text: bytes, default_mode: str) -> UsageReport | Rejected:
    said: dict[str, Any] = {}
    try:
        said = _members(text)
        return _understood(said, default_mode)
    except _Unclear as unclear:
        return Rejected(_response_id(said), str(unclear))


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
    call, response, status, start = (event.get(name) for name in _IDS)
    if not call and not response:
        raise _Unclear("There is neither litellm_call_id nor id.")
    if any(part is not None and not isinstance(part, (str, int, float)) for part in (call, response, status)):
        raise _Unclear("litellm_call_id, id and status are texts.")
    text = json.dumps([call, response, status, start])
    parts = [part for part in (call, response, status) if isinstance(part, str) and "/" not in part]
    plain = "/".join([*parts, json.dumps(start)])
    is_plain = len(parts) == 3 and plain.isascii() and plain.isprintable() and len(plain) <= LONGEST_ID
    return plain if is_plain else f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _response_id(event: dict[str, Any]) -> str | None:
    return clip_line(event.get("id"), LONGEST_ID) or None


def _key_hash(said: object) -> str:
    """Return the digest of the key a request was made with; a digest that stands there already, as it is."""
    text = said if isinstance(said, str) else ""
    return text.lower() if is_digest(text) else digest(text)


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
    words = [error.get(name) for name in ("error_code", "error_class")]
    said = clip_line(" ".join(str(word) for word in words if word and isinstance(word, (str, int))), 64)
    if said in {"", "ok"}:
        return "ok" if event.get("status") == "success" else "failure"
    return said


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
