"""The answer of a model server, as a person's script got it: OpenAI's, Anthropic's or Ollama's, with its `usage`.

Source of the rules: the three references of these APIs, version of November 2026.
- OpenAI: `usage` has prompt_tokens and completion_tokens (chat, embeddings) or input_tokens and output_tokens
  (responses), both with what was cached or reasoning inside; many other servers answer the same. What a stream ends
  with is either a chunk with `usage` or an event with the whole `response` in it.
- Anthropic: input_tokens leaves out what was read from and written to a cache, which stands beside it.
- Ollama: prompt_eval_count and eval_count stand in the answer itself; embeddings have the former alone.
"""

import hashlib
import json
from typing import Any

from portal.errors import InvalidInput
from portal.gateways.objects import members
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
    whole_counts,
)
from portal.rules.pricing import MAX_TOKENS
from portal.rules.text import clip_line
from portal.rules.usage import LONGEST_ID, UsageReport

_KEPT = {
    *("id", "model", "created", "created_at", "status", "usage", "response", "done"),
    *("prompt_eval_count", "eval_count", "total_duration"),
}
_FAILED = {"failed", "cancelled"}
"""What a response of OpenAI's says of itself when it has not come to its end."""


def read_response(body: bytes, otherwise_id: str, mode: str) -> UsageReport:
    """Return what an answer says of its usage; `otherwise_id` is its id where it has none of its own.

    It is nobody's yet, and of now where it does not say when it was made. Raises InvalidInput with a sentence, and
    TooLarge.
    """
    try:
        answer = members(body.strip(), _KEPT)
        whole = mapping(answer, "response")
        return _report(whole if "usage" in whole else answer, otherwise_id, mode)
    except Unclear as unclear:
        raise InvalidInput(str(unclear)) from None


def _report(answer: dict[str, Any], otherwise_id: str, mode: str) -> UsageReport:
    usage = mapping(answer, "usage")
    prompt, completion = _counts(answer, usage)
    reasoning = part_of(MAX_TOKENS, detail(usage, "reasoning_tokens", *COMPLETION_DETAILS))
    total = usage.get("total_tokens")
    prompt, completion = whole_counts(prompt, completion, 0, reasoning, total if type(total) is int else None)
    model = clip_line(answer.get("model"), 200)
    if not model:
        raise Unclear("There is no model.")
    made = first_said(answer.get("created"), answer.get("created_at"))
    duration = answer.get("total_duration")
    return UsageReport(
        id=_identity(answer) or otherwise_id,
        model=model,
        mode=mode,
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=part_of(
            prompt, usage.get("cache_read_input_tokens"), detail(usage, "cached_tokens", *PROMPT_DETAILS)
        ),
        reasoning_tokens=min(reasoning, completion),
        status=str(answer["status"]) if answer.get("status") in _FAILED else "ok",
        requested_at=instant(made, "created") if made else None,
        latency_ms=latency(duration / 1e6) if type(duration) is int else None,
    )


def _counts(answer: dict[str, Any], usage: dict[str, Any]) -> tuple[int, int]:
    """Return prompt and completion tokens; what is not said is never a silent zero. Raises Unclear."""
    if "prompt_tokens" in usage:
        is_embedding = "completion_tokens" not in usage and usage.get("total_tokens") == usage["prompt_tokens"]
        completion = 0 if is_embedding else token_count(usage.get("completion_tokens"), "completion_tokens")
        return token_count(usage["prompt_tokens"], "prompt_tokens"), completion
    if "input_tokens" in usage:
        beside = [usage.get(f"cache_{what}_input_tokens") or 0 for what in ("creation", "read")]
        prompt = sum(token_count(said, "input_tokens") for said in (usage["input_tokens"], *beside))
        return token_count(prompt, "input_tokens"), token_count(usage.get("output_tokens"), "output_tokens")
    if "prompt_eval_count" in answer or "eval_count" in answer:
        is_embedding = "eval_count" not in answer and "done" not in answer
        completion = 0 if is_embedding else token_count(answer.get("eval_count"), "eval_count")
        return token_count(answer.get("prompt_eval_count"), "prompt_eval_count"), completion
    raise Unclear("There is no usage in this answer. A stream has it at its end, if it is asked to (include_usage).")


def _identity(answer: dict[str, Any]) -> str:
    """Return what tells an answer apart from every other one its account gets; "" where there is nothing of it.

    Small servers begin to count anew when they are started, so the time belongs to it. Ollama's answers have no id, but
    a time and a duration to the nanosecond.
    """
    id, created = answer.get("id"), first_said(answer.get("created"), answer.get("created_at"))
    if isinstance(created, float) and created.is_integer():
        created = int(created)  # the same answer, whether it is sent as it came or as a library has read it
    if isinstance(id, str) and id.strip():
        plain = id if created is None else f"{id}/{json.dumps(created)}"
        return plain if plain.isascii() and plain.isprintable() and len(plain) <= LONGEST_ID else _digest(id, created)
    duration = answer.get("total_duration")
    return _digest(answer.get("model"), created, duration) if created and duration else ""


def _digest(*parts: object) -> str:
    return f"sha256:{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}"
