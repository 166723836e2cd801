"""Importing LiteLLM's price map by JSON."""

from typing import Any

from portal.db.tables import Account
from tests.api.conftest import As

IMPORT = "/admin/api/prices/import"
RATE = {"rate": "0.5", "rate_day": "2026-11-01", "preview": "true"}
PRICE = '{"input_cost_per_token": 4e-06, "output_cost_per_token": 8e-06}'
MAP = f'{{"gpt-4o": {PRICE}, "qwen3:32b": {PRICE}, "o3": {PRICE}}}'


def preview(as_: As, admin: Account, content: str, models: list[str]) -> dict[str, Any]:
    answer = as_(admin).post(
        IMPORT, params=RATE | {"models": models}, content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_several_models_are_named(admin: Account, as_: As) -> None:
    found = preview(as_, admin, MAP, ["gpt-*", "qwen3:32b"])
    assert ([price["model"] for price in found["prices"]], found["unwanted"]) == (["gpt-4o", "qwen3:32b"], 1)


def test_name_with_half_a_character_is_wrong(admin: Account, as_: As) -> None:
    found = preview(as_, admin, f'{{"gpt-\\ud800": {PRICE}}}', ["gpt-*"])
    assert [row["model"] for row in found["wrong"]] == ["gpt-"]
