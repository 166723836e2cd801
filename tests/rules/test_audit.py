"""The fields that an audit entry shows."""

import pytest

from portal.rules.audit import Values, changed_fields


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        pytest.param(None, None, (None, None), id="no values"),
        pytest.param(None, {"a": 1}, (None, {"a": 1}), id="something new shows all fields"),
        pytest.param({"a": 1}, None, ({"a": 1}, None), id="something removed shows all fields"),
        pytest.param({"a": 1, "b": 2}, {"a": 1, "b": 3}, ({"b": 2}, {"b": 3}), id="a change shows changed fields"),
        pytest.param({"a": 1}, {"a": 1}, ({}, {}), id="no change shows none"),
        pytest.param({"a": 1}, {"b": 2}, ({"a": 1}, {"b": 2}), id="fields of one side"),
    ],
)
def test_changed_fields(before: Values | None, after: Values | None, shown: object) -> None:
    assert changed_fields(before, after) == shown
