"""Expert templates in the JSON of MoE Sovereign: `name`, `cost_factor`, and `experts` by category."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from portal.rules.metering.imports import ImportedTemplate, ModelOfCategory, NotImportable
from portal.rules.text import MAX_NAME, clean_line, clip_line

_FINEST_FACTOR = Decimal("1E-12")


def read_sovereign_template(name: object, config: Any, cost_factor: object = None) -> ImportedTemplate:
    """Return a template; `cost_factor` goes before that of the configuration.

    Raises NotImportable for a configuration that cannot be read, and InvalidText for a bad name.
    """
    try:
        number = next(f for f in (cost_factor, config.get("cost_factor"), 1) if f is not None)
        factor = Decimal(str(number)).quantize(_FINEST_FACTOR).normalize()
        models = tuple(model for category, of_it in config["experts"].items() for model in _models(category, of_it))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, InvalidOperation):
        raise NotImportable("Its configuration cannot be read.") from None
    return ImportedTemplate(clean_line(str(name or ""), "The name", MAX_NAME), factor, models)


def sovereign_template(name: str, cost_factor: Decimal, models: Sequence[Any]) -> dict[str, object]:
    """Return a template as MoE Sovereign has it; `models` have category, model, endpoint and required."""
    experts: dict[str, dict[str, list[dict[str, str]]]] = {}
    for each in models:
        entry = {"model": each.model, "endpoint": each.endpoint, "role": "always" if each.required else "primary"}
        experts.setdefault(each.category, {"models": []})["models"].append(entry)
    return {"name": name, "cost_factor": float(cost_factor), "experts": experts}


def _models(category: str, config: Mapping[str, Any]) -> Iterator[ModelOfCategory]:
    """Yield the models of a category; in the older form there is one model, which always answers.

    In the newer form the role decides: `always`, `primary` (on demand), or `fallback` (instead of other models).
    """
    for model in config.get("models", [config]):
        name = clip_line(model.get("model"), 200)
        if not name:
            continue
        role = model.get("role")
        required = model.get("required", True) is not False if role is None else role == "always"
        yield ModelOfCategory(clip_line(category, MAX_NAME), name, clip_line(model.get("endpoint"), 200), required)
