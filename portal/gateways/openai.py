"""Read the usage in an answer of a model server that a person's script received.

Source of the rules: the references of these APIs, version of November 2026.
- OpenAI (chat, responses, embeddings), servers with the same API, Anthropic, Bedrock's Converse and Cohere have
  `usage`, Gemini has `usageMetadata`; `gateways.counts` reads all of them.
- Counts of Ollama, and of Bedrock's Llama and Titan, are in the answer itself. Embeddings have no completion; answers
  of embeddings and reranking may have a total only.
- A usage without tokens, such as seconds of speech or units of search, is that of a call without counts.
- A stream ends with a chunk that has the usage, or an event that contains the whole `response` or `message`; a stream
  of Bedrock ends with `metadata` or invocation metrics. Results of batches contain the answer in `response`, `body` or
  `result`.
- Gemini names its model `modelVersion`; Bedrock and Cohere do not name it, so a script adds `model`.
"""

import hashlib
import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from portal.errors import InvalidInput
from portal.gateways.counts import CountMembers, TokenCounts, read_counts
from portal.gateways.lenient_json import KeptMembers
from portal.gateways.lenient_values import UnclearValue, as_latency, first_value, mapping, read_instant
from portal.rules.metering.usage import LONGEST_ID, UsageReport
from portal.rules.text import clip_line

_USAGES = ("usage", "usageMetadata", "usage_metadata", "amazon-bedrock-invocationMetrics", "meta")
"""Members that contain the counts, unless the answer itself has them."""
_AROUND = ("response", "body", "result", "metadata")
"""Members that may contain the answer; in a result of Anthropic's batches the answer is a `message`.

Elsewhere a `message` is the start of a stream of Anthropic, without the completion tokens.
"""
_MODELS = ("model", "modelVersion", "model_version", "modelId")
_IDS = ("id", "responseId", "response_id")
_TIMES = ("created", "created_at", "createTime", "create_time")
_OLLAMA = ("prompt_eval_count", "eval_count", "prompt_eval_cached_count", "prompt_cached_eval_count")
_BEDROCK = ("prompt_token_count", "generation_token_count", "inputTextTokenCount")
_EMBEDDINGS = ("embedding", "embeddings", "embeddingsByType")
_COMPLETING = {"eval_count", "done", "inputTextTokenCount"}
"""Members of answers that have counts of their own and a completion; embeddings of Titan also have one of them."""
_DEEPEST = 3
"""Levels of wrappers: the line of a batch has `response`, which has `body`."""
_FAILED = {"failed", "cancelled"}
"""The status of an OpenAI response that was not completed."""


def _answer(levels: int) -> KeptMembers:
    around = {name: _answer(levels - 1) for name in (*_AROUND, "message")} if levels else {}
    return KeptMembers(
        *(*_MODELS, *_IDS, *_TIMES, *_OLLAMA, *_BEDROCK, *_EMBEDDINGS, "object", "status", "done", "total_duration"),
        **{name: CountMembers() for name in _USAGES},
        **around,
        metrics=KeptMembers("latencyMs"),
        ResponseMetadata=KeptMembers("RequestId"),
    )


_KEPT = _answer(_DEEPEST)


def read_response(body: bytes, otherwise_id: str, mode: str) -> UsageReport:
    """Return the report of an answer; `otherwise_id` is the id of an answer without one.

    The report has no account, and no instant if the answer has none. Raises InvalidInput and TooLarge.
    """
    try:
        return _report([*_layers(_KEPT.read(body.strip()))], otherwise_id, mode)
    except UnclearValue as unclear:
        raise InvalidInput(str(unclear)) from None


def _layers(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an answer and the answers inside it, the outermost first."""
    yield answer
    for name in _AROUND:
        if inner := mapping(answer, name):
            yield from _layers(inner)
    if message := mapping(mapping(answer, "result"), "message"):
        yield message


def _report(layers: list[dict[str, Any]], otherwise_id: str, mode: str) -> UsageReport:
    """Return the report of the first layer with counts; other layers provide missing values."""
    counted = ((layer, counts) for layer in layers if (counts := _counts(layer)) is not None)
    uncounted = ((layer, TokenCounts(0, 0)) for layer in layers if _is_without_counts(layer))
    answer, counts = next(chain(counted, uncounted), (None, None))
    if answer is None or counts is None:
        raise UnclearValue(
            "There is no usage in this answer. A stream has it at its end, if it is asked to (include_usage). "
            'Send a call without token counts, such as of images, with "usage": {}.'
        )
    known = answer | {name: value for layer in reversed(layers) for name, value in layer.items() if name not in answer}
    model = next(filter(None, (clip_line(known.get(name), 200) for name in _MODELS)), "")
    if not model:
        raise UnclearValue("There is no model. Add it to the answer as model, if its server does not name it.")
    made = first_value(*(answer.get(name) for name in _TIMES))
    return UsageReport(
        id=_identity(answer) or _identity(known) or otherwise_id,
        model=model,
        mode=mode,
        prompt_tokens=counts.prompt,
        completion_tokens=counts.completion,
        cached_tokens=counts.cached,
        reasoning_tokens=counts.reasoning,
        status=str(answer["status"]) if answer.get("status") in _FAILED else "ok",
        requested_at=read_instant(made, "created") if made else None,
        latency_ms=_latency(known),
        without_counts=True if not counts.total else None,
    )


def _counts(answer: dict[str, Any]) -> TokenCounts | None:
    """Return the counts of an answer; None without any. Raises UnclearValue for a missing count."""
    is_embedding = answer.get("object") == "list" or any(name in answer for name in _EMBEDDINGS)
    for usage in (mapping(answer, name) for name in _USAGES):
        counts = read_counts(usage, no_completion=is_embedding, lone_total=True, texts=False)
        if counts is not None:
            return counts
    own = {name: answer[name] for name in (*_OLLAMA, *_BEDROCK) if name in answer}
    return read_counts(own, no_completion=is_embedding or not answer.keys() & _COMPLETING, texts=False)


def _is_without_counts(answer: dict[str, Any]) -> bool:
    """Return whether an answer has a usage without tokens, such as the `billed_units` in Cohere's `meta`."""
    return isinstance(answer.get("usage"), dict) or bool(mapping(answer, "meta"))


def _latency(answer: dict[str, Any]) -> int | None:
    """Return the latency in milliseconds that Ollama and Bedrock report; None for other answers."""
    duration, elapsed = answer.get("total_duration"), mapping(answer, "metrics").get("latencyMs")
    if type(duration) is int:
        return as_latency(duration / 1e6)
    return as_latency(elapsed) if type(elapsed) is int else None


def _identity(answer: dict[str, Any]) -> str:
    """Return an id that is unique among the answers of an account; "" for an answer without one.

    The time is part of the id, since small servers begin their ids again at each start. Answers of Ollama have no id,
    but a time and a duration in nanoseconds.
    """
    created = first_value(*(answer.get(name) for name in _TIMES))
    if isinstance(created, float) and created.is_integer():
        created = int(created)  # some libraries convert the whole number to a float
    ids = (*(answer.get(name) for name in _IDS), mapping(answer, "ResponseMetadata").get("RequestId"))
    id = next((each for each in ids if isinstance(each, str) and each.strip()), None)
    if id is not None:
        plain = id if created is None else f"{id}/{json.dumps(created)}"
        return plain if plain.isascii() and plain.isprintable() and len(plain) <= LONGEST_ID else _digest(id, created)
    duration = answer.get("total_duration")
    return _digest(answer.get("model"), created, duration) if created and duration else ""


def _digest(*parts: object) -> str:
    return f"sha256:{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}"
