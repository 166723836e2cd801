"""Importing LiteLLM's price map: the wanted models, all of them or none, with rate and day as their source."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portal.actions.spending.price_import import PriceImport, import_prices, plan_price_import, read_price_import
from portal.actions.spending.prices import enter_model_price
from portal.db.spending.prices import price_book
from portal.db.tables import Account
from portal.errors import Conflict, Forbidden, InvalidInput
from portal.rules.spending.prices import Price, Rates
from tests.cast import NOW, OPERATOR, Gateway, acting, audit_log, report, run, send

DAY = timedelta(1)
SOURCE = "LiteLLM, 1 USD = 0.5 EUR on 2026-11-01"
MAP = {
    "gpt-4o": {"input_cost_per_token": 4e-06, "output_cost_per_token": 8e-06, "cache_read_input_token_cost": 2e-06},
    "Qwen3:32B": {"input_cost_per_token": 2e-06, "output_cost_per_token": 2e-06},
    "gpt-free": {"input_cost_per_token": 0, "output_cost_per_token": 0},
    "gpt-wrong": {"input_cost_per_token": "free"},
    "dall-e-3": {"input_cost_per_image": 0.04},
}
GPT = Rates(Decimal(2), Decimal(4), Decimal(1))
QWEN = Rates(Decimal(1), Decimal(1), Decimal(1))


def wanted(*patterns: str, file: dict[str, Any] | None = None, begins: Any = NOW) -> PriceImport:
    content = json.dumps(MAP if file is None else file).encode()
    return read_price_import(content, Decimal("0.5"), date(2026, 11, 1), patterns, begins)


def models() -> list[tuple[str | None, Rates | None, str]]:
    return [(price.pattern, price.rates, price.source) for price in run(price_book) if price.pattern is not None]


def named(prices: Sequence[Price]) -> list[str | None]:
    return [price.pattern for price in prices]


def test_prices_of_the_used_models_are_entered(db: object, alice: Account, gateway: Gateway) -> None:
    send(gateway, report("used", model="qwen3:32b"))
    plan = run(import_prices, OPERATOR, wanted(), NOW)
    assert (named(plan.prices), plan.unchanged, plan.unwanted, plan.others) == (["qwen3:32b"], 0, 3, 1)
    assert models() == [("qwen3:32b", QWEN, SOURCE)]
    _, action, details = audit_log()[-1]
    facts = {"source": SOURCE, "valid_from": NOW.isoformat(), "prices": 1, "skipped": 0, "models": "qwen3:32b"}
    assert (action, details) == ("price.import", facts)


def test_nothing_is_imported_if_a_wanted_model_is_wrong(db: object) -> None:
    plan = run(plan_price_import, OPERATOR, wanted("gpt*"))
    assert ([row.model for row in plan.wrong], named(plan.free)) == (["gpt-wrong"], ["gpt-free"])
    with pytest.raises(Conflict, match="1 models are wrong"):
        run(import_prices, OPERATOR, wanted("gpt*"), NOW)
    with pytest.raises(Conflict, match="contain a 0"):
        run(import_prices, OPERATOR, wanted("gpt*"), NOW, skip_wrong=True)
    assert models() == []
    run(import_prices, OPERATOR, wanted("gpt*"), NOW, skip_wrong=True, confirm_free=True)
    assert [model for model, _, _ in models()] == ["gpt-4o", "gpt-free"]


def test_equal_prices_stay_and_others_are_replaced(db: object) -> None:
    run(enter_model_price, OPERATOR, "gpt-4o", GPT, NOW - DAY, NOW, source="by hand")
    run(enter_model_price, OPERATOR, "qwen3:32b", GPT, NOW, NOW, source="by hand")
    plan = run(import_prices, OPERATOR, wanted("gpt-4o", "qwen*"), NOW)
    assert (named(plan.prices), plan.unchanged) == (["qwen3:32b"], 1)
    assert models() == [("gpt-4o", GPT, "by hand"), ("qwen3:32b", QWEN, SOURCE)]
    entries = len(audit_log())
    assert run(import_prices, OPERATOR, wanted("gpt-4o", "qwen*"), NOW).prices == ()
    assert len(audit_log()) == entries, "nothing has changed"


def test_file_without_a_wanted_model_is_refused(db: object) -> None:
    with pytest.raises(Conflict, match="none of the wanted models"):
        run(import_prices, OPERATOR, wanted("mistral*"), NOW)


def test_wrong_rate_and_pattern_are_named() -> None:
    with pytest.raises(InvalidInput) as error:
        read_price_import(b"{}", Decimal(0), date(2026, 11, 1), [], NOW)
    assert error.value.field == "rate"
    with pytest.raises(InvalidInput) as error:
        wanted("")
    assert error.value.field == "models"
    with pytest.raises(InvalidInput) as error:
        wanted(file={})
    assert error.value.field == "file"


def test_only_administrators_import_prices(alice: Account) -> None:
    with pytest.raises(Forbidden):
        run(plan_price_import, acting(alice), wanted("*"))
    with pytest.raises(Forbidden):
        run(import_prices, acting(alice), wanted("*"), NOW)
