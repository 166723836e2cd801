"""Writes one sentence about a validation error; it never repeats the value that was sent."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_PLAIN_NAME = re.compile(r"[a-z_]{1,40}", re.ASCII)  # no digits: a secret sent in place of a name is not repeated
_PLACES = {"body", "query", "path"}

_SENTENCES = {
    "missing": "{name} is missing.",
    "int_type": "{name} must be a whole number.",
    "int_parsing": "{name} must be a whole number.",
    "int_parsing_size": "{name} must be a smaller number.",
    "float_type": "{name} must be a number.",
    "float_parsing": "{name} must be a number.",
    "greater_than": "{name} must be more than {gt:,}.",
    "greater_than_equal": "{name} must be at least {ge:,}.",
    "less_than_equal": "{name} must be at most {le:,}.",
    "string_type": "{name} must be text.",
    "string_too_short": "{name} must not be empty.",
    "string_too_long": "{name} has at most {max_length:,} characters.",
    "bool_type": "{name} must be true or false.",
    "model_type": "{name} must be a JSON object.",
    "enum": "{name} must be {expected}.",
    "literal_error": "{name} must be {expected}.",
}
"""Sentences by pydantic's type of error; the numbers come from its context, which has bounds and never the input."""


def first_problem(errors: Sequence[Mapping[str, Any]]) -> tuple[str, str | None]:
    """Return a sentence about the first of pydantic's errors, and its field; None means the whole request."""
    error = errors[0]
    noun = "parameter" if "query" in error["loc"][:1] else "field"
    names = [part for part in error["loc"] if isinstance(part, str) and part not in _PLACES]
    field = names[-1] if names and _PLAIN_NAME.fullmatch(names[-1]) else None
    return sentence_about(error, field, noun), field


def sentence_about(error: Mapping[str, Any], field: str | None, noun: str = "field") -> str:
    """Return a sentence about one of pydantic's errors; `field` is the name that people know."""
    kind, context = error["type"], {name: _plain(value) for name, value in error.get("ctx", {}).items()}
    if kind == "value_error":  # raised by our own validator, with its own sentence
        return f"{field}: {context['error']}" if field else str(context["error"])
    if kind == "extra_forbidden":
        return f"There is no {noun} called {field}." if field else f"There is a {noun} that is not known here."
    return _SENTENCES.get(kind, "{name} cannot be understood.").format(name=field or "The request", **context)


def _plain(value: object) -> object:
    """Return a bound in the form that people write: 1, not 1.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
