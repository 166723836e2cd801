"""Values of audit entries as text."""

import json
from collections.abc import Mapping


def value_text(value: object) -> str:
    """Return a value before or after a change: text as it is, nothing as a dash, others as JSON."""
    if value is None or value == "":
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def values_text(values: Mapping[str, object] | None) -> str | None:
    """Return values as JSON for one cell; None without any."""
    return json.dumps(values, ensure_ascii=False, sort_keys=True) if values else None
