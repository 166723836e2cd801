"""What an entry of the audit log says about a change."""

from collections.abc import Mapping

Values = Mapping[str, object]


def changed_fields(before: Values | None, after: Values | None) -> tuple[Values | None, Values | None]:
    """Return the fields with different values, before and after a change.

    None means that there was nothing before, or is nothing afterwards; then all fields of the other side are returned.
    """
    if before is None or after is None:
        return before, after
    names = [name for name in (*before, *after) if before.get(name) != after.get(name)]
    return _only(before, names), _only(after, names)


def _only(values: Values, names: list[str]) -> Values:
    return {name: values[name] for name in names if name in values}
