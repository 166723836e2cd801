"""Read the token counts in the attributes of a span or a log record, for all instrumentations.

The names of counts are in `gateways.count_names`; this module has the prefixes of attributes with counts.

Decisions:
- Counts are never guessed: an invalid count, or only one of the two, gives no report.
- By the GenAI conventions input includes cached tokens, and output includes reasoning, unless the figures prove the
  opposite. Claude Code counts both caches beside the input.
- Names without a prefix, such as `input_tokens`, are read only if the caller knows the program that wrote them.
"""

import json
from collections.abc import Iterator, Mapping

from portal.gateways.count_names import COUNT_NAMES, TokenPart, part_named
from portal.gateways.counts import TokenCounts, read_counts
from portal.gateways.lenient_values import UnclearValue, number_of, token_count
from portal.gateways.otlp_wire import Attributes

PROMPT, COMPLETION = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
"""The names of the GenAI conventions, which come before all other names."""
_LANGFUSE = "langfuse.observation.usage_details"
_OBJECTS = (
    *(_LANGFUSE, "gen_ai.usage.details", "gen_ai.usage.input_token_details", "gen_ai.usage.output_token_details"),
    *("langsmith.usage_metadata", "mlflow.chat.tokenUsage", "llm.usage"),
)
"""Attributes with a usage object, or a part of it, as JSON."""
_EMBEDDED = "ai.usage.tokens"
"""The AI SDK's name of the input of embeddings."""

_DETAILS = "gen_ai.usage.details."
"""The prefix of pydantic-ai for other counts of the provider."""
ATTRIBUTE_PREFIXES = ("gen_ai.usage.", "ai.usage.", "llm.usage.", "llm.token_count.", "codex.usage.")
"""Attributes that begin with one of these are counts."""
_PLAIN = frozenset(name for names in COUNT_NAMES.values() for name in names if "token" in name)
"""Names of counts without a prefix."""
COUNT_ATTRIBUTES = frozenset((*_PLAIN, *_OBJECTS))
"""All attributes that this module reads, except those with a prefix."""

_OURS: dict[TokenPart | None, str] = {TokenPart.PROMPT: PROMPT, TokenPart.COMPLETION: COMPLETION}
"""The name of a count in reasons if no attribute has it."""


def attribute_counts(
    attributes: Attributes,
    *,
    plain: bool = False,
    beside: bool = False,
    no_completion: bool = False,
) -> TokenCounts | None:
    """Return the counts among attributes; None without any. Raises UnclearValue.

    `plain`: names without a prefix are counts too, if there is no count with a prefix; `beside`: these count caches
    beside the prompt. `no_completion`: a missing completion is 0, as for embeddings and failed calls.
    """
    usage, beside_prompt = {name: value for name, value in _named(attributes) if not _is_nan(value)}, False
    if not usage and _LANGFUSE in attributes:
        usage, beside_prompt = _langfuse(_object(attributes[_LANGFUSE])), True
    if not usage and plain:
        usage, beside_prompt = {name: value for name, value in attributes.items() if name in _PLAIN}, beside
    for name, value in usage.items():
        if part_named(name) is TokenPart.TOTAL:
            token_count(number_of(value), name)  # an invalid total is an error, too
    try:
        return read_counts(_without_rivals(usage), beside=beside_prompt, no_completion=no_completion)
    except UnclearValue as unclear:
        name, _, rest = str(unclear).partition(" ")
        ours = name if name in usage else _OURS.get(part_named(name), name)
        raise UnclearValue(f"{ours} {rest}") from None


def _named(attributes: Attributes) -> Iterator[tuple[str, object]]:
    """Yield all counts with a prefix, by names that `read_counts` knows."""
    for name, value in attributes.items():
        if name == _EMBEDDED:
            yield "prompt_tokens", value
        elif name in _OBJECTS:
            yield from _flat(name, {} if name == _LANGFUSE else _object(value))
        elif name.startswith(ATTRIBUTE_PREFIXES) and part_named(_in_table(name)):
            yield _in_table(name), value


def _is_nan(value: object) -> bool:
    """Return whether a value is NaN, which programs in JavaScript send for an unknown count."""
    return value == "NaN" or value != value  # noqa: PLR0124  # true for NaN only


def _in_table(name: str) -> str:
    """Return the name of a count without prefixes that `read_counts` does not know."""
    return name.removeprefix(_DETAILS).removeprefix("codex.usage.")


def _flat(name: str, found: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield the members of an object in an attribute; members of details get the name of the details as a prefix."""
    place = f"{name.rpartition('.')[2]}." if name.endswith("_details") else ""
    for member, value in found.items():
        if isinstance(value, dict):
            yield from ((f"{member}.{inner}", each) for inner, each in value.items())
        else:
            yield f"{place}{member}", value


def _without_rivals(usage: Mapping[str, object]) -> dict[str, object]:
    """Return the counts without other names of a count that has the name of the conventions, unless that is 0."""
    ruled = {part_named(name) for name in (PROMPT, COMPLETION) if number_of(usage.get(name, 0)) != 0}
    return {
        name: value for name, value in usage.items() if name in {PROMPT, COMPLETION} or part_named(name) not in ruled
    }


def _langfuse(details: Mapping[str, object]) -> dict[str, object]:
    """Return Langfuse's counts with their total; a missing total is the sum of all counts.

    Source: langfuse.com/docs/observability/features/token-and-cost-tracking. Parts such as `input_cached_tokens` are
    counted beside `input` and `output`; an object in OpenAI's form is returned unchanged.
    """
    if "total" in details or not {"input", "output"} & details.keys():
        return dict(details)
    parts = [number_of(value) for name, value in details.items() if "ephemeral" not in name]
    return {**details, "total": sum(part for part in parts if type(part) is int and part > 0)}


def _object(value: object) -> dict[str, object]:
    """Return the object in a JSON text; an empty one for other values."""
    try:
        found = json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}
