"""Every code of a rule has words."""

from enum import StrEnum

import pytest

from portal.rules.messages import Message
from portal.rules.people.accounts import Language, Role, Theme
from portal.rules.periods import Period
from portal.rules.spending.budgets import BudgetType, Level, PeriodBudget
from portal.words.labels import BUDGET_TYPES, BUDGETS, LANGUAGES, LEVELS, ROLES, THEMES, level_label


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (Level, LEVELS),
        (BudgetType, BUDGET_TYPES),
        (Period, BUDGETS),
        (Role, ROLES),
        (Theme, THEMES),
        (Language, LANGUAGES),
    ],
)
def test_every_code_has_words(codes: type[StrEnum], words: dict[StrEnum, Message | str]) -> None:
    assert set(codes) == words.keys()


@pytest.mark.parametrize(
    ("limit", "consumed", "label"),
    [(None, 5, "No limit"), (0, 0, "Used up"), (10, 10, "Used up"), (10, 9, "Warning"), (1000, 901, "Critical")],
)
def test_full_budget_has_its_own_label(limit: int | None, consumed: int, label: str) -> None:
    assert str(level_label(PeriodBudget(limit, consumed))) == label
