"""The ids of LiteLLM's requests."""

import hashlib
import json
from typing import Any

from portal.gateways.lenient_values import UnclearValue
from portal.rules.metering.usage import LONGEST_ID
from portal.rules.text import clip_line

IDS = ("litellm_call_id", "id", "status", "startTime")
"""Members of an event that are unique together."""


def request_id(event: dict[str, Any]) -> str:
    """Return an id that is unique among all requests of the gateway. Raises UnclearValue for an event without an id."""
    call, response, status, start = (event.get(name) for name in IDS)
    if not call and not response:
        raise UnclearValue("There is neither litellm_call_id nor id.")
    if any(part is not None and not isinstance(part, (str, int, float)) for part in (call, response, status)):
        raise UnclearValue("litellm_call_id, id and status are texts.")
    text = json.dumps([call, response, status, start])
    parts = [part for part in (call, response, status) if isinstance(part, str) and "/" not in part]
    plain = "/".join([*parts, json.dumps(start)])
    is_plain = len(parts) == 3 and plain.isascii() and plain.isprintable() and len(plain) <= LONGEST_ID
    return plain if is_plain else _digest(text)


def shared_id(kind: str, id: object) -> str:
    """Return the common id of all calls about a batch or response; "" without one."""
    if not isinstance(id, str) or not id or id == "None":
        return ""
    plain = f"{kind}/{id}"
    return plain if plain.isascii() and plain.isprintable() and len(plain) <= LONGEST_ID else _digest(json.dumps(plain))


def shown_id(event: dict[str, Any]) -> str | None:
    """Return the id of an event in the proxy's logs; None without one."""
    ids = (event.get(name) for name in ("id", "litellm_call_id"))
    return next((clip_line(id, LONGEST_ID) for id in ids if id != "None" and clip_line(id, LONGEST_ID)), None)


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
