"""What other programs export: which format a file has.

Sources: `model/log.go` of New-API and One-API, and `text_quota.go` for what New-API writes into `other`.

- New-API: only rows of type 2 are usage, the others are top-ups, changes, or attempts that failed. For Anthropic's
  models `prompt_tokens` leaves out what was read from and written to a cache; here it is part of the prompt, as
  everywhere in the portal. What users export of themselves has ids that begin anew; the table's own are unique.
- The portal's own export is one account's, and does not say whose.
"""

import re
from collections.abc import Iterable
from typing import Any

from portal.gateways.count_names import PARTS, WRITTEN_FOR
from portal.imports.cells import count, number
from portal.imports.formats import Format, Said, Skip, plain, without_counts
from portal.imports.litellm_exports import LITELLM, LITELLM_DAILY
from portal.imports.nested import as_object
from portal.imports.providers import (
    ANTHROPIC,
    ANTHROPIC_API,
    CCUSAGE,
    CLAUDE_CODE,
    CURSOR,
    CURSOR_API,
    GITHUB,
    HELICONE,
    LANGFUSE,
    OPENAI,
    OPENROUTER,
    OPENROUTER_DAYS,
)
from portal.rules.text import clip_line


def recognise(columns: Iterable[str]) -> Format:
    """Return the format with these columns; the one that only goes by their names where it is none in particular."""
    names = {plain(column) for column in columns}
    return next((known for known in KNOWN if known.marks <= names), BY_NAME)


def _new_api(said: Said) -> Skip | None:
    kind, other = count(said.pop("type", None), "type"), as_object(said.pop("other", None))
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


def _portal(said: Said) -> None:
    for name in ("model", "template", "mode", "status"):
        if _MARKED.match(str(said.get(name, ""))):
            said[name] = said[name][1:]
    if not said.keys() & {"prompt_tokens", "completion_tokens"}:
        without_counts(said)


def _by_name(said: Said) -> None:
    if str(said.pop("success", "")).strip().lower() in {"false", "0"}:
        said.setdefault("status", "error")


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
    {},
    frozenset({"billabletokens", "costfactor", "costeur", "requestedat", "latencyms"}),
    _portal,
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
    {},
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
        "username": ["username", "user", "login", "account", "useremail", "email", "mail", "userid", "requester"],
        "model": ["model", "modelname", "modelgroup", "modelid", "modelversion", "requestmodel"],
        "provider_model": ["providermodel", "upstreammodel"],
        "mode": ["mode"],
        "status": ["status", "result", "outcome", "statuscode"],
        "success": ["success", "issuccess", "succeeded"],
        "requested_at": [
            *("requestedat", "timestamp", "datetime", "createdat", "starttime", "startedat", "requesttime"),
            *("eventtime", "created", "time", "date", "day"),
        ],
        "latency_ms": ["latencyms", "durationms", "elapsedms", "responsetimems", "requestdurationms"],
        "template": ["template", "experttemplate"],
        "cost_factor": ["costfactor"],
        "session_id": ["sessionid", "conversationid"],
    },
    {name: name for name in (*PARTS, *WRITTEN_FOR)}
    | dict.fromkeys(("tokensin", "promptcount", "inputtokenstotal"), "prompt_tokens")
    | dict.fromkeys(("tokensout", "completioncount"), "completion_tokens")
    | {"tokenscached": "cached_tokens", "tokensreasoning": "reasoning_tokens"}
    | dict.fromkeys(("reasoningoutputtokens", "reasoningcompletiontokens"), "reasoning_tokens")
    | dict.fromkeys(("tokens", "tokenstotal", "tokencount"), "total_tokens")
    | {f"{side}{side}tokencount": f"{side}_token_count" for side in ("input", "output")}  # Bedrock's invocation logs
    | {f"inputcache{done}inputtokencount": f"cache_{done}_input_token_count" for done in ("read", "write")},
    refine=_by_name,
)
KNOWN = (
    *(PORTAL, LITELLM, NEW_API, CURSOR, CURSOR_API, OPENROUTER, OPENROUTER_DAYS),
    *(ANTHROPIC, ANTHROPIC_API, CLAUDE_CODE, CCUSAGE, *OPENAI, LANGFUSE, HELICONE, *LITELLM_DAILY, GITHUB),
)
"""Formats that are told by their columns; the first one whose marks are there."""
