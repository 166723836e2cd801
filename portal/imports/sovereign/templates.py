"""Expert templates of MoE Sovereign."""

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation

from portal.imports.sovereign.values import SourceRow
from portal.rules.imports import ImportedTemplate, ModelOfCategory, NotImportable
from portal.rules.text import MAX_NAME, clean_line, clip_line

_FINEST_FACTOR = Decimal("1E-12")


def oldest_first(rows: Iterable[SourceRow]) -> list[SourceRow]:
    """Return rows by when they were made."""
    return sorted(rows, key=lambda row: (str(row["created_at"] or ""), row["id"]))


def read_template(row: SourceRow) -> ImportedTemplate:
    """Return a template of either table. Raises NotImportable and InvalidText."""
    if row["id"].startswith("moe-dyn-"):
        raise NotImportable("It was made by MoE Sovereign for a single request.")
    if row.get("is_active") is False:
        raise NotImportable("It is switched off.")
    try:
        config = json.loads(row["config_json"])
        number = next(f for f in (row.get("cost_factor"), config.get("cost_factor"), 1) if f is not None)
        factor = Decimal(str(number)).quantize(_FINEST_FACTOR).normalize()
        models = tuple(model for category, of_it in config["experts"].items() for model in _models(category, of_it))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, InvalidOperation):
        raise NotImportable("Its configuration cannot be read.") from None
    return ImportedTemplate(clean_line(row["name"] or "", "The name", MAX_NAME), factor, models)


def _models(category: str, config: SourceRow) -> Iterator[ModelOfCategory]:
    """Yield the models of a category; in the older form it is one model, which always answers.

    In the newer form the role decides: `always`, `primary` on demand, or `fallback` in place of others.
    """
    for model in config.get("models", [config]):
        name = clip_line(model.get("model"), 200)
        if not name:
            continue
        role = model.get("role")
        required = model.get("required", True) is not False if role is None else role == "always"
        yield ModelOfCategory(clip_line(category, MAX_NAME), name, clip_line(model.get("endpoint"), 200), required)
