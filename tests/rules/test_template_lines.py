"""The lines with the models of a template."""

import pytest

from portal.rules.messages import InvalidValue
from portal.rules.metering.imports import ModelOfCategory
from portal.rules.template_lines import read_models, write_models

MODELS = [
    ModelOfCategory("Code", "qwen3-coder:30b", "gpu-01", True),
    ModelOfCategory("Code", "phi4:14b", "", False),
    ModelOfCategory("Deep thought", "m@sha256", "", False),
]


def test_models_are_read_as_they_were_written() -> None:
    text = write_models(MODELS)
    assert text.splitlines()[:2] == ["Code: qwen3-coder:30b@gpu-01 (required)", "Code: phi4:14b"]
    assert read_models(f"\n {text}\n\n") == MODELS


@pytest.mark.parametrize("line", ["phi4:14b", "Code:", "Code: ", ": phi4", "Code: @gpu-01", "Code: (required)"])
def test_line_without_category_or_model_is_refused(line: str) -> None:
    with pytest.raises(InvalidValue):
        read_models(f"Code: phi4\n{line}")
