"""Only `cells` has templates, and modes and weights are drawn alike in every table."""

import re
from pathlib import Path

import pytest

from portal.pages.components import cells

PAGES = Path(__file__).parents[3] / "portal" / "pages"
WITH_TEMPLATES = {PAGES / "components" / "cells.py"}


def test_only_cells_write_templates() -> None:
    found = {file for file in PAGES.rglob("*.py") if re.search(r"props\.(row|opt)\.", file.read_text("utf-8"))}
    assert found == WITH_TEMPLATES


def test_modes_of_known_gateways_have_colours_of_their_own() -> None:
    modes = ("native", "moe_orchestrated", "moe_reasoning", "moe_agent", "moe_research")
    assert len({cells.mode_values(mode)["colour"] for mode in modes}) == len(modes)
    assert cells.mode_values("native") == {"mode": "native", "colour": 8}


def test_a_mode_may_be_any_text() -> None:
    assert cells.mode_values("\ud800")["colour"] in range(1, 8)


@pytest.mark.parametrize(
    ("tokens", "largest", "expected"),
    [
        pytest.param(50, 100, 0.5, id="a share of the largest row"),
        pytest.param(10, 100, 0.1, id="drawn from a tenth on"),
        pytest.param(9, 100, None, id="a plain line below"),
        pytest.param(0, 0, None, id="no tokens at all"),
    ],
)
def test_weight(tokens: int, largest: int, expected: float | None) -> None:
    assert cells.weight(tokens, largest) == expected


def test_parts_nest_and_are_left_out_without_their_value() -> None:
    line = cells.lines(cells.text("model"), cells.small(cells.text("provider"), given="provider"))
    small = '<small v-if="props.row.provider">{{ props.row.provider }}</small>'
    assert line == f'<span class="mp-cell2">{{{{ props.row.model }}}}{small}</span>'
    assert cells.first_of(("a", "A"), ("b", "B"), otherwise="C") == (
        '<template v-if="props.row.a">A</template><template v-else-if="props.row.b">B</template>'
        "<template v-else>C</template>"
    )
