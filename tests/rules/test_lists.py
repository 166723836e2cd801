from datetime import UTC, datetime

import pytest

from portal.rules.lists import ListFilter, ListRules, one_of, sort_value
from portal.rules.metering.usage import InvalidFilter

RULES = ListRules(
    sorts={"name": str, "tokens": int, "at": datetime}, plain="name", choices={"role": one_of(["a", "b"])}
)


def test_filter_and_address_are_the_same() -> None:
    wanted = RULES.parse({"search": " Möller ", "role": "a", "sort": "-tokens"})
    assert wanted == ListFilter("Möller", (("role", "a"),), "-tokens")
    assert RULES.parse(wanted.params()) == wanted
    assert wanted.choice("role") == "a"
    assert RULES.order(wanted) == ("tokens", True)


def test_plain_list_has_no_parameters() -> None:
    assert RULES.parse({"search": "", "role": "", "sort": "name"}) == ListFilter()
    assert ListFilter().params() == {}
    assert RULES.order(ListFilter()) == ("name", False)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        pytest.param({"sort": "password"}, "sort", id="unknown column"),
        pytest.param({"sort": "--name"}, "sort", id="two minuses"),
        pytest.param({"role": "c"}, "role", id="unknown choice"),
        pytest.param({"colour": "red"}, "colour", id="unknown filter"),
        pytest.param({"search": "x" * 101}, "search", id="long text"),
        pytest.param({"search": "a\x00"}, "search", id="NUL"),
        pytest.param({"search": "\ud800"}, "search", id="half a character"),
    ],
)
def test_invalid_filter_names_its_field(params: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        RULES.parse(params)
    assert caught.value.field == field


def test_click_on_a_heading_sorts_and_the_next_reverses() -> None:
    clicks = [ListFilter()]
    for column in ("name", "name", "tokens", "tokens", "password"):
        clicks.append(RULES.sorted_by(clicks[-1], column))
    assert [wanted.sort for wanted in clicks] == ["", "-name", "", "-tokens", "tokens", "tokens"]


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        *[(int, 5, True), (int, True, False), (int, 2**63, False)],
        *[(str, "a", True), (str, "a\x00", False), (str, 5, False)],
        *[(datetime, datetime(2026, 1, 1, tzinfo=UTC), True), (datetime, "2026", False)],
    ],
)
def test_value_of_a_cursor_fits_its_column(kind: type, value: object, fits: bool) -> None:
    assert sort_value(kind, value) is fits
