"""Read the usage that Continue, the assistant in editors, sends to a `data` destination of its config.yaml.

Source: `core/data/log.ts` and the schemas of the package @continuedev/config-yaml 1.42 (github.com/continuedev).
- Each POST has one event: `{"name", "data", "schema", "level", "profileId"}`. Continue never sends one again.
- `tokensGenerated` is the only event with counts, one for each call of a model, of chats, edits and autocompletion.
  Others, such as `chatInteraction`, are about the same calls, and are ignored; the prompts in them are never decoded.
- Continue counts the tokens itself, since servers do not always say how many there were.
- No event has an id; that of a report is made of its content. Schema 0.1.0 has no time either: it is that of arrival.
"""

import hashlib
import json
from typing import Any

from portal.errors import InvalidInput
from portal.gateways.lenient_json import KeptMembers
from portal.gateways.lenient_values import UnclearValue, mapping, read_instant, token_count
from portal.rules.metering.usage import Entry, Rejected, UsageReport
from portal.rules.text import clip_line

USAGE = "tokensGenerated"
_COUNTED = ("timestamp", "model", "provider", "promptTokens", "generatedTokens")
_KEPT = KeptMembers("name", "eventName", "schema", data=KeptMembers("eventName", *_COUNTED))


def read_continue(body: bytes, otherwise_id: str, mode: str) -> Entry | None:
    """Return the entry of an event; None for one without counts. `otherwise_id` is the id of an event without a time.

    Raises InvalidInput for a body that is no event, and TooLarge.
    """
    try:
        event = _KEPT.read(body.strip())
    except UnclearValue as unclear:
        raise InvalidInput(str(unclear)) from None
    data = mapping(event, "data")
    name = event.get("name") or data.get("eventName")
    if not isinstance(name, str) or not name:
        raise InvalidInput("An event of Continue has a name.")
    if name != USAGE:
        return None
    try:
        return _report(data, otherwise_id, mode)
    except UnclearValue as unclear:
        return Rejected(None, str(unclear))


def _report(data: dict[str, Any], otherwise_id: str, mode: str) -> UsageReport:
    model, provider = clip_line(data.get("model"), 200), clip_line(data.get("provider"), 64)
    if not model:
        raise UnclearValue("model is missing.")
    prompt, completion = (token_count(data.get(name), name) for name in ("promptTokens", "generatedTokens"))
    sent_at = data.get("timestamp")
    served = f"{provider}/{model}"[:200].rstrip() if provider and not model.startswith(f"{provider}/") else None
    return UsageReport(
        id=_identity(data) if sent_at is not None else otherwise_id,
        model=model,
        provider_model=served,
        mode=mode,
        prompt_tokens=prompt,
        completion_tokens=completion,
        requested_at=None if sent_at is None else read_instant(sent_at, "timestamp"),
        without_counts=True if not prompt + completion else None,
    )


def _identity(data: dict[str, Any]) -> str:
    """Return the id of an event; it must not change in later releases, or an event sent again would count twice."""
    content = json.dumps([data.get(name) for name in _COUNTED])
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"
