from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from portal.rules.validation import first_problem


class Parcel(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    label: Annotated[str, Field(min_length=1, max_length=5)] = "x"
    weight: Annotated[int, Field(ge=1, le=1000)] = 1
    fragile: bool = False
    height: Annotated[float, Field(gt=0, le=2.5)] = 1
    service: Literal["slow", "fast"] = "slow"

    @field_validator("label")
    @classmethod
    def is_quiet(cls, label: str) -> str:
        if label.isupper():
            raise ValueError("Do not shout.")
        return label


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        pytest.param({"weight": "1"}, ("weight must be a whole number.", "weight"), id="text for a number"),
        pytest.param({"weight": True}, ("weight must be a whole number.", "weight"), id="true for a number"),
        pytest.param({"weight": 0}, ("weight must be at least 1.", "weight"), id="too small"),
        pytest.param({"weight": 2**70}, ("weight must be at most 1,000.", "weight"), id="too large"),
        pytest.param({"label": 5}, ("label must be text.", "label"), id="a number for text"),
        pytest.param({"label": ""}, ("label must not be empty.", "label"), id="empty"),
        pytest.param({"label": "moe-sk-1"}, ("label has at most 5 characters.", "label"), id="too long"),
        pytest.param({"label": "HEY"}, ("label: Do not shout.", "label"), id="a rule of ours"),
        pytest.param({"height": "tall"}, ("height must be a number.", "height"), id="a word for a number"),
        pytest.param({"height": 0}, ("height must be more than 0.", "height"), id="nothing"),
        pytest.param({"height": 3}, ("height must be at most 2.5.", "height"), id="too high"),
        pytest.param({"service": "calm"}, ("service must be 'slow' or 'fast'.", "service"), id="another word"),
        pytest.param({"fragile": 1}, ("fragile must be true or false.", "fragile"), id="1 for true"),
        pytest.param({"colour": 1}, ("There is no field called colour.", "colour"), id="an unknown field"),
        pytest.param({"moe-sk-1": 1}, ("There is a field that is not known here.", None), id="a secret as a field"),
        pytest.param([], ("The request must be a JSON object.", None), id="no object"),
    ],
)
def test_problem_is_one_sentence_that_names_the_field(sent: Any, expected: tuple[str, str | None]) -> None:
    with pytest.raises(ValidationError) as found:
        Parcel.model_validate(sent)
    assert first_problem(found.value.errors()) == expected


def test_unknown_problem_has_a_sentence_too() -> None:
    assert first_problem([{"type": "frozen_instance", "loc": ("body", "label")}])[0] == "label cannot be understood."
