"""What other programs export, and what their columns mean.

Sources: LiteLLM's `schema.prisma` and `spend_tracking_utils.py`, release 1.106; `model/log.go` of New-API and One-API,
and `text_quota.go` for what New-API writes into `other`.

- LiteLLM: `request_id` is unique; `model_group` is the name that was asked for; instants are UTC, in milliseconds. That
  is too coarse to find again what was reported live: the ids there have the start in microseconds, and do not meet
  these. A hit of LiteLLM's own cache repeats the counts of the first call: nothing was spent, its cost factor is 0.
- New-API: only rows of type 2 are usage, the others are top-ups, changes, or attempts that failed. For Anthropic's
  models `prompt_tokens` leaves out what was read from and written to a cache; here it is part of the prompt, as
  everywhere in the portal. What users export of themselves has ids that begin anew; the table's own are unique.
- The portal's own export is one account's, and does not say whose.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

from portal.gateways.cells import count, instant, json_object, number, text
from portal.gateways.values import COMPLETION_DETAILS, PROMPT_DETAILS, Unclear, detail, mapping, part_of
from portal.rules.text import clip_line

Said = dict[str, Any]
"""What a row says of each field; a format may use fields of its own that no event has."""


def _as_named(_: Said) -> None:
    """Take the cells for what their columns are named."""


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of export.

    `marks` are columns that tell it from others, in the form of `plain`. `fields` says in which columns a field may be,
    the best one first. `refine` makes what a row says into what an event has, or returns why the row is no usage; it
    raises Unclear. `zone` is that of instants without an offset.
    """

    name: str
    gateway: str
    fields: Mapping[str, Sequence[str]]
    marks: frozenset[str] = frozenset()
    refine: Callable[[Said], str | None] = _as_named
    zone: tzinfo | None = None


def plain(column: str) -> str:
    """Return the name of a column without what programs write differently: case, spaces, underscores."""
    return "".join(letter for letter in column.lower() if letter.isalnum())


def recognise(columns: Sequence[str]) -> Format:
    """Return the format with these columns; the one that only goes by their names where it is none in particular."""
    names = {plain(column) for column in columns}
    return next((known for known in (PORTAL, LITELLM, NEW_API) if known.marks <= names), BY_NAME)


def _litellm(said: Said) -> str | None:
    metadata = json_object(said.pop("metadata", None))
    asked, served = _name(said, "model"), _name(said, "provider_model")
    prompt, completion = (count(said.get(name), name) for name in ("prompt_tokens", "completion_tokens"))
    failed = said.get("status", metadata.get("status")) == "failure"
    if failed and not (asked or served or prompt or completion):
        return "failed before a model was chosen"
    if not said.keys() & {"username", "api_key_hash"}:
        said.setdefault("api_key", "")  # requests without a key are held, as those reported live
    said["model"] = asked or served
    said["provider_model"] = served if asked and served != asked else ""
    said["status"] = _failure(mapping(metadata, "error_information")) if failed else "ok"
    usage = mapping(metadata, "usage_object") or mapping(metadata, "additional_usage_values")
    said.setdefault("cached_tokens", part_of(prompt, detail(usage, "cached_tokens", *PROMPT_DETAILS)))
    said.setdefault("reasoning_tokens", part_of(completion, detail(usage, "reasoning_tokens", *COMPLETION_DETAILS)))
    if str(said.pop("cache_hit", "")).lower() == "true":
        said.setdefault("cost_factor", "0")
    said.setdefault("latency_ms", _took(said.get("requested_at"), said.pop("ended_at", None)))
    return None


def _took(started: object, ended: object) -> float:
    """Return milliseconds, or -1 where it is not known."""
    try:
        return (instant(ended, "endTime", UTC) - instant(started, "startTime", UTC)).total_seconds() * 1000
    except Unclear:
        return -1


def _failure(error: dict[str, Any]) -> str:
    """Return the code and class of an error, as reported live."""
    words = " ".join(str(error[name]) for name in ("error_code", "error_class") if error.get(name))
    return clip_line(words, 64) or "failure"


def _new_api(said: Said) -> str | None:
    kind, other = count(said.pop("type", None), "type"), json_object(said.pop("other", None))
    if kind != _CONSUMED:
        return _NO_USAGE.get(kind, f"of type {kind}")
    prompt = count(said.get("prompt_tokens"), "prompt_tokens")
    cached, total = _natural(other, "cache_tokens"), _natural(other, "input_tokens_total")
    if total:
        prompt = total
    elif other.get("claude") is True or other.get("usage_semantic") == "anthropic":
        written = _natural(other, "cache_creation_tokens_5m") + _natural(other, "cache_creation_tokens_1h")
        prompt += cached + max(_natural(other, "cache_creation_tokens"), written)
    said["prompt_tokens"] = prompt
    said.setdefault("cached_tokens", min(cached, prompt))
    if other.get("is_model_mapped") is True:
        said.setdefault("provider_model", clip_line(other.get("upstream_model_name"), 200))
    if "seconds" in said:
        said.setdefault("latency_ms", number(said.pop("seconds"), "use_time") * 1000)
    return None


def _natural(other: dict[str, Any], name: str) -> int:
    found = other.get(name)
    return found if type(found) is int and found > 0 else 0


def _portal(said: Said) -> str | None:
    for name in ("model", "template", "mode", "status"):
        if _MARKED.match(str(said.get(name, ""))):
            said[name] = said[name][1:]
    return None


def _name(said: Said, field: str) -> str:
    return clip_line(text(said.pop(field, ""), field), 200)


_CONSUMED = 2
_NO_USAGE = {1: "top-ups", 3: "changes by administrators", 4: "of the system", 5: "failed attempts", 6: "refunds"}
"""By New-API's number of their type."""
_MARKED = re.compile("'[=+@\\t\\r-]")
"""Text that our CSV marks, so that no spreadsheet takes it for a formula."""

_COUNTS = {"prompt_tokens": ["prompttokens"], "completion_tokens": ["completiontokens"]}

PORTAL = Format(
    "an export of this portal's Usage History",
    "portal-export",
    {
        **{name: [plain(name)] for name in ("id", "requested_at", "model", "template", "mode", "status", "latency_ms")},
        **{name: [plain(name)] for name in ("cached_tokens", "reasoning_tokens", "cost_factor")},
        **_COUNTS,
    },
    frozenset({"billabletokens", "costfactor", "costeur", "requestedat", "latencyms"}),
    _portal,
)
LITELLM = Format(
    "LiteLLM's spend logs",
    "litellm",
    {
        "id": ["requestid"],
        "api_key": ["apikey"],
        "model": ["modelgroup"],
        "provider_model": ["model"],
        **_COUNTS,
        "requested_at": ["starttime"],
        "ended_at": ["endtime"],
        "latency_ms": ["requestdurationms"],
        "status": ["status"],
        "cache_hit": ["cachehit"],
        "session_id": ["sessionid"],
        "metadata": ["metadata"],
    },
    frozenset({"requestid", "calltype", "apikey", "prompttokens", "completiontokens", "starttime", "model"}),
    _litellm,
    UTC,
)
NEW_API = Format(
    "New-API's logs",
    "new-api",
    {
        "id": ["id"],
        "username": ["username"],
        "model": ["modelname"],
        **_COUNTS,
        "requested_at": ["createdat"],
        "seconds": ["usetime"],
        "latency_ms": ["elapsedtime"],
        "type": ["type"],
        "other": ["other"],
    },
    frozenset({"id", "createdat", "type", "username", "modelname", "quota", "prompttokens", "completiontokens"}),
    _new_api,
)
BY_NAME = Format(
    "columns by their names",
    "files",
    {
        "id": ["id", "requestid", "eventid", "callid", "responseid", "uuid"],
        "api_key_hash": ["apikeyhash", "keyhash", "apikeysha256", "hashedapikey", "tokenhash", "hashedtoken"],
        "api_key": ["apikey", "virtualkey", "key"],
        "username": ["username", "user", "login", "account", "userid", "useremail", "email", "mail"],
        "model": ["model", "modelname", "modelgroup", "modelid"],
        "provider_model": ["providermodel", "upstreammodel"],
        "mode": ["mode"],
        "prompt_tokens": ["prompttokens", "inputtokens", "tokensprompt", "tokensin", "promptcount", "input"],
        "completion_tokens": ["completiontokens", "outputtokens", "tokenscompletion", "tokensout", "output"],
        "cached_tokens": ["cachedtokens", "cachedinputtokens", "tokenscached"],
        "reasoning_tokens": ["reasoningtokens", "tokensreasoning", "reasoningoutputtokens"],
        "status": ["status", "result", "outcome"],
        "requested_at": ["requestedat", "timestamp", "datetime", "createdat", "starttime", "startedat", "time", "date"],
        "latency_ms": ["latencyms", "durationms", "elapsedms", "responsetimems", "requestdurationms"],
        "template": ["template", "experttemplate"],
        "cost_factor": ["costfactor"],
        "session_id": ["sessionid", "conversationid"],
    },
)
