"""The models of an expert template as lines that people type: `Category: model@endpoint (required)`."""

from collections.abc import Iterable
from typing import Any

from portal.rules.messages import InvalidValue, message
from portal.rules.metering.imports import ModelOfCategory

_REQUIRED = "(required)"


def read_models(text: str) -> list[ModelOfCategory]:
    """Return the models in lines; empty lines are ignored. Raises InvalidValue with the number of the line."""
    return [_read(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def write_models(models: Iterable[Any]) -> str:
    """Return models as lines; they have category, model, endpoint and required."""
    return "\n".join(map(_write, models))


def _read(number: int, line: str) -> ModelOfCategory:
    category, colon, rest = line.partition(": ")
    required = rest.endswith(_REQUIRED)
    model, at, endpoint = rest.removesuffix(_REQUIRED).strip().rpartition("@")
    if not at:
        model, endpoint = endpoint, ""
    if not colon or not category.strip() or not model.strip():
        example = "Code: qwen3-coder:30b@gpu-01 (required)"
        raise InvalidValue(message("Line {number} is not like “{example}”.", number=number, example=example))
    return ModelOfCategory(category.strip(), model.strip(), endpoint.strip(), required)


def _write(each: Any) -> str:
    at = f"@{each.endpoint}" if each.endpoint or "@" in each.model else ""
    return f"{each.category}: {each.model}{at}" + (f" {_REQUIRED}" if each.required else "")
