"""Values of teams."""

from dataclasses import replace
from typing import Any

import pytest

from portal.rules.people.teams import TeamValues, clean_cost_centre, clean_team_name, team_key
from portal.rules.spending.budgets import Limits
from portal.rules.text import InvalidText

TEAM = TeamValues("Research", "K-100", limits=Limits(1, 2, 3))


@pytest.mark.parametrize(
    "change",
    [{"name": "Lab"}, {"cost_centre": ""}, {"active": False}, {"limits": Limits(1, 2)}, {"limits": Limits(None, 2, 3)}],
    ids=str,
)
def test_version_differs_after_each_change(change: dict[str, Any]) -> None:
    assert replace(TEAM, **change).version != TEAM.version
    assert TEAM.version == TeamValues("Research", "K-100", limits=Limits(1, 2, 3)).version


def test_names_are_compared_without_upper_case() -> None:
    assert team_key("FORSCHUNG E\u0301") == team_key("forschung \u00e9") != team_key("Lehre")


def test_name_and_cost_centre_have_at_most_64_characters() -> None:
    assert clean_team_name(f"  {'x' * 64} ") == "x" * 64
    assert clean_cost_centre("  ") == ""
    for clean, text in [(clean_team_name, "x" * 65), (clean_team_name, " "), (clean_cost_centre, "x" * 65)]:
        with pytest.raises(InvalidText):
            clean(text)
