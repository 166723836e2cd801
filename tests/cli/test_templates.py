"""`portal template`."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from portal.db.sql.session import Database, database, run_in_reading
from portal.db.tables import Account
from portal.db.templates import AssignedModel, models_of, template_named, template_of
from tests.cli.terminal import fail, rows, succeed

TEMPLATE: dict[str, Any] = {
    "name": "research-de",
    "cost_factor": "1.25",
    "categories": {
        "Code": [{"model": "qwen3-coder:30b", "endpoint": "gpu-01", "required": True}, {"model": "phi4:14b"}],
        "Reasoning": [{"model": "deepseek-r1:32b", "endpoint": "gpu-02"}],
    },
}


@pytest.fixture
def template_file(tmp_path: Path) -> Path:
    path = tmp_path / "template.json"
    path.write_text(json.dumps(TEMPLATE), encoding="utf-8")
    return path


def test_a_template_is_read_from_a_file(db: Database, template_file: Path) -> None:
    succeed("template", "set", str(template_file))
    with database().reading() as session:
        saved = template_named(session, "research-de")
        assert saved is not None
        assert saved.cost_factor == Decimal("1.25")
        assert models_of(session, saved.id) == [
            AssignedModel("Code", "qwen3-coder:30b", "gpu-01", True),
            AssignedModel("Code", "phi4:14b", "", False),
            AssignedModel("Reasoning", "deepseek-r1:32b", "gpu-02", False),
        ]


def test_a_template_is_read_from_stdin_and_replaces_its_namesake(db: Database, template_file: Path) -> None:
    succeed("template", "set", str(template_file))
    succeed("template", "set", "-", typed=json.dumps(TEMPLATE | {"cost_factor": 0.1, "categories": {}}))
    assert rows(succeed("template", "list")) == [["research-de", "0.1", "–", "–", "–"]]


@pytest.mark.parametrize(("category", "models"), [("Code", "2 models"), ("Reasoning", "1 model")])
def test_saved_template_says_how_many_models_it_has(db: Database, category: str, models: str) -> None:
    only = TEMPLATE | {"categories": {category: TEMPLATE["categories"][category]}}
    output = succeed("template", "set", "-", typed=json.dumps(only))
    assert output == f"Saved the expert template research-de with {models}.\n"


def test_a_template_is_assigned_and_taken_away(alice: Account, template_file: Path) -> None:
    succeed("template", "set", str(template_file))
    succeed("template", "assign", "alice", "research-de")
    assigned = run_in_reading(template_of, alice.id)
    assert assigned is not None
    assert assigned.name == "research-de"
    succeed("template", "assign", "alice", "none")
    assert run_in_reading(template_of, alice.id) is None
    assert "no expert template called missing" in fail("template", "assign", "alice", "missing")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{", id="no JSON"),
        pytest.param("[]", id="no object"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(json.dumps(TEMPLATE | {"colour": "red"}), id="an unknown field"),
        pytest.param(json.dumps(TEMPLATE | {"cost_factor": "much"}), id="a word as cost factor"),
        pytest.param(json.dumps(TEMPLATE | {"cost_factor": "NaN"}), id="no number as cost factor"),
        pytest.param(json.dumps(TEMPLATE | {"cost_factor": 1001}), id="too large a cost factor"),
        pytest.param(json.dumps(TEMPLATE | {"name": "a\nb"}), id="two lines as name"),
        pytest.param(json.dumps(TEMPLATE | {"categories": {"A": [{"model": 1}]}}), id="a number as model"),
        pytest.param(json.dumps(TEMPLATE | {"categories": {"A": [{"model": "x", "endpoint": "\n"}]}}), id="endpoint"),
        pytest.param(json.dumps(TEMPLATE | {"categories": {"A": [{"model": ""}]}}), id="an empty model"),
        pytest.param(" " * 1_000_001, id="too much"),
    ],
)
def test_a_bad_template_is_refused(db: Database, text: str | bytes) -> None:
    fail("template", "set", "-", typed=text)
    assert rows(succeed("template", "list")) == []


def test_a_missing_file_is_named(db: Database, tmp_path: Path) -> None:
    assert "nowhere.json" in fail("template", "set", str(tmp_path / "nowhere.json"))


def test_sovereign_json_is_exported_and_imported(alice: Account, template_file: Path, tmp_path: Path) -> None:
    succeed("template", "set", str(template_file))
    before = rows(succeed("template", "list"))
    exported = succeed("template", "export", "research-de")
    succeed("template", "assign", "alice", "research-de")
    assert "Accounts have the template" in fail("template", "delete", "research-de")
    succeed("template", "assign", "alice", "none")
    succeed("template", "delete", "research-de")
    assert rows(succeed("template", "list")) == []
    succeed("template", "import", "-", typed=exported)
    assert rows(succeed("template", "list")) == before
    for bad in ("{", "[]", "{}", '{"name": "x"}'):
        fail("template", "import", "-", typed=bad)
