"""Expert templates as JSON: the list, the files, and changes."""

from decimal import Decimal

import pytest

from portal.actions.templates import assign_template
from portal.api.admin.templates import COLUMNS
from portal.db.tables import Account
from tests.api.account.test_usage_export import READERS
from tests.api.conftest import As
from tests.cast import NOW, OPERATOR, audit_log, run

TEMPLATES = "/admin/api/templates"
CODE = {"category": "Code", "model": "qwen3-coder:30b", "endpoint": "gpu-01", "required": True}
TALK = {"category": "Talk", "model": "phi4:14b", "endpoint": "", "required": False}


def test_a_template_lives_from_its_creation_to_its_end(alice: Account, admin: Account, as_: As) -> None:
    client = as_(admin)
    saved = client.put(TEMPLATES, json={"name": "Lab", "cost_factor": "1.25", "models": [CODE, TALK]}).json()
    path = f"{TEMPLATES}/{saved['id']}"
    assert saved == {"id": saved["id"], "name": "Lab", "cost_factor": "1.25", "models": [CODE, TALK]}
    assert client.get(path).json() == saved
    client.put(TEMPLATES, json={"name": "Lab", "models": [CODE]})
    run(assign_template, OPERATOR, alice.id, saved["id"], NOW)
    answer = client.get(TEMPLATES, params={"search": "QWEN"}).json()
    item = {"id": saved["id"], "name": "Lab", "cost_factor": "1", "models": 1, "categories": 1, "accounts": 1}
    assert answer == {"items": [item], "next_cursor": None, "total": 1}
    assert client.get(TEMPLATES, params={"search": "phi4"}).json()["total"] == 0
    assert client.delete(path).status_code == 409
    run(assign_template, OPERATOR, alice.id, None, NOW)
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert audit_log()[-1][1] == "template.delete"


def test_sovereign_json_is_read_and_written(admin: Account, as_: As) -> None:
    client = as_(admin)
    models = [{"model": "phi4:14b", "endpoint": "gpu-02", "role": "primary", "gpu": 3}]
    content = {"name": "Old", "cost_factor": 0.5, "experts": {"Talk": {"models": models}, "Code": {"model": "qwen3"}}}
    saved = client.post(f"{TEMPLATES}/import", json=content | {"id": "tmpl-1"}).json()
    assert Decimal(saved["cost_factor"]) == Decimal("0.5")
    assert [(m["category"], m["model"], m["required"]) for m in saved["models"]] == [
        ("Talk", "phi4:14b", False),
        ("Code", "qwen3", True),
    ]
    written = client.get(f"{TEMPLATES}/{saved['id']}/sovereign").json()
    assert client.post(f"{TEMPLATES}/import", json=written).json() == saved
    assert client.post(f"{TEMPLATES}/import", json={"name": "Bad", "experts": {"Code": 1}}).status_code == 422


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_export_is_what_is_filtered(admin: Account, as_: As, kind: str) -> None:
    client = as_(admin)
    for name in ("b", "A", "c"):
        client.put(TEMPLATES, json={"name": name, "models": [CODE] * (name == "c")})
    params = {"sort": "-models", "format": kind}
    rows = READERS[kind](client.get(f"{TEMPLATES}/export", params=params).content)
    assert rows[0]["name"] == "c"
    assert all(tuple(row) == COLUMNS for row in rows)
    assert [item["name"] for item in client.get(TEMPLATES).json()["items"]] == ["A", "b", "c"]
