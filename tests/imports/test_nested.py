"""Objects in the cells of a file."""

import pytest

from portal.imports.nested import as_object, cell, names

ROW = {"id": 1, "usage": '{"input": 3, "details": {"cached": 2}}', "user": {"name": "mara"}, "a.b": 7}


@pytest.mark.parametrize("value", ['{"a": 1}', b' {"a": 1}', {"a": 1}], ids=["JSON", "bytes", "a value"])
def test_objects_in_cells(value: object) -> None:
    assert as_object(value) == {"a": 1}


@pytest.mark.parametrize(
    "value", ["", "{", "[1]", None, '{"a":' * 100_000, b"\xff", 7], ids=lambda value: repr(value)[:9]
)
def test_cell_without_an_object_has_no_members(value: object) -> None:
    assert as_object(value) == {}


def test_members_of_objects_are_columns_behind_their_own() -> None:
    found = ["id", "usage", "usage.input", "usage.details", "usage.details.cached", "user", "user.name", "a.b"]
    assert list(names(ROW)) == found
    assert list(names({"a": {"b": {"c": {"d": {"e": 1}}}}})) == ["a", "a.b", "a.b.c", "a.b.c.d"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("id", 1), ("usage.input", 3), ("usage.details.cached", 2), ("user.name", "mara"), ("a.b", 7), ("a.c", None),
     ("usage.none", None), ("none", None), ("id.x", None)],
)  # fmt: skip
def test_cells_are_found_by_their_columns(name: str, expected: object) -> None:
    assert cell(ROW, name) == expected
