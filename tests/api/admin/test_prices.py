"""The price book as JSON: the list, the files, a preview, and changes."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from portal.actions.spending.prices import end_model_price, enter_model_price, enter_price, remove_price
from portal.api.admin.prices import COLUMNS
from portal.db.tables import Account
from portal.rules.spending.prices import Rates
from tests.api.account.test_usage_export import READERS
from tests.api.conftest import As
from tests.cast import NOW, OPERATOR, Gateway, audit_log, report, run, send

PRICES = "/admin/api/prices"
DAY = timedelta(1)
RATES = Rates(prompt=Decimal("2.5"), completion=Decimal(10), cached=Decimal("1.25"))
GPT = {"model": "gpt-4*", "prompt": "2.5", "completion": "10"}


@pytest.fixture
def book(db: object) -> None:
    """A general price with a planned one, and gpt-4*: ended, in force again, and with a planned end."""
    run(enter_price, OPERATOR, Decimal("0.5"), NOW + DAY, NOW)
    run(enter_model_price, OPERATOR, "gpt-4*", RATES, NOW - 9 * DAY, NOW, source="by hand")
    run(enter_model_price, OPERATOR, "gpt-4*", RATES, NOW - DAY, NOW)
    run(end_model_price, OPERATOR, "gpt-4*", NOW + DAY, NOW)


@pytest.mark.parametrize(
    ("params", "found"),
    [
        pytest.param({}, ["in_force", "planned", "ended", "in_force", "planned"], id="all"),
        pytest.param({"status": "planned"}, ["planned", "planned"], id="planned ones"),
        pytest.param({"kind": "general"}, ["in_force", "planned"], id="the general price"),
        pytest.param({"search": "HAND"}, ["ended"], id="those of a source"),
        pytest.param({"sort": "-valid_from", "limit": "2"}, ["planned", "planned"], id="the latest"),
    ],
)
def test_prices_are_listed(book: None, admin: Account, as_: As, params: dict[str, str], found: list[str]) -> None:
    answer = as_(admin).get(PRICES, params=params).json()
    assert [row["status"] for row in answer["items"]] == found


def test_ended_pattern_is_ended_in_the_list(book: None, admin: Account, as_: As) -> None:
    run(end_model_price, OPERATOR, "gpt-4*", NOW - DAY / 2, NOW)
    items = as_(admin).get(PRICES, params={"kind": "models", "sort": "valid_from"}).json()["items"]
    assert [(row["status"], row["is_end"]) for row in items] == [
        ("ended", False),
        ("ended", False),
        ("ended", True),
        ("planned", True),
    ]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_export_is_what_is_filtered(book: None, admin: Account, as_: As, kind: str) -> None:
    rows = READERS[kind](as_(admin).get(f"{PRICES}/export", params={"search": "hand", "format": kind}).content)
    assert [(row["model"], row["source"]) for row in rows] == [("gpt-4*", "by hand")]
    assert all(tuple(row) == COLUMNS for row in rows)


def test_price_is_previewed_entered_and_removed(admin: Account, alice: Account, gateway: Gateway, as_: As) -> None:
    send(gateway, report("r-1", model="gpt-4o", requested_at=NOW - 30 * DAY))
    client, begins = as_(admin), (NOW + DAY).isoformat()
    found = client.post(f"{PRICES}/preview", json=GPT | {"valid_from": begins}).json()
    assert (found["month"], found["is_past"], found["total"]["cost_eur"]) == ("2026-10", False, "0.0024")
    (row,) = found["models"]
    assert (row["model"], row["would_cost_eur"], row["difference_eur"]) == ("gpt-4o", "0.00045", "-0.00195")
    assert client.get(PRICES).json()["total"] == 1, "a preview changes nothing"
    for changed in (True, False):
        assert client.post(PRICES, json=GPT | {"valid_from": begins}).json() == {"changed": changed}
    planned = client.get(PRICES, params={"status": "planned"}).json()["items"]
    assert [(price["model"], price["cached"]) for price in planned] == [("gpt-4*", "2.5")]
    assert client.delete(f"{PRICES}/{planned[0]['id']}").status_code == 204
    first = client.get(PRICES).json()["items"][0]["id"]
    assert client.delete(f"{PRICES}/{first}").status_code == 409, "it is in force"
    assert [action for _, action, _ in audit_log()][-2:] == ["price.set", "price.remove"]


@pytest.mark.parametrize("month", ["soon", "2026-1", "1999-12", "9999-12"])
def test_month_that_is_none_is_refused(admin: Account, as_: As, month: str) -> None:
    assert as_(admin).post(f"{PRICES}/preview", json=GPT | {"month": month}).status_code == 422


def test_price_of_models_is_ended(book: None, admin: Account, as_: As) -> None:
    body: dict[str, Any] = {"model": "gpt-4*", "end": True, "valid_from": NOW.isoformat()}
    assert as_(admin).post(PRICES, json=body).json() == {"changed": True}
    assert as_(admin).post(PRICES, json=body | {"model": "other"}).status_code == 404


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        pytest.param({}, "eur_per_token, or model", id="no price"),
        pytest.param({"eur_per_token": "0"}, "confirm_free", id="a price of 0 that is not confirmed"),
        pytest.param({"eur_per_token": "2"}, "0 to 1 EUR", id="too much"),
        pytest.param({"eur_per_token": "0,5"}, "decimal number", id="a comma"),
        pytest.param({"model": "m", "prompt": "1"}, "decimal number", id="only half of a price"),
        pytest.param(GPT | {"end": True}, "or end", id="a price and an end"),
        pytest.param(GPT | {"valid_from": "soon"}, "instant", id="no instant"),
        pytest.param(GPT | {"eur_per_token": "0.1"}, "for a model", id="both kinds of price"),
    ],
)
def test_wrong_price_is_refused(admin: Account, as_: As, body: dict[str, Any], detail: str) -> None:
    answer = as_(admin).post(PRICES, json=body)
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]
    assert as_(admin).get(PRICES).json()["total"] == 1


def test_unpriced_requests_are_repaired(admin: Account, alice: Account, gateway: Gateway, as_: As) -> None:
    run(remove_price, OPERATOR, None, NOW)
    send(gateway, report("r-1"), report("r-2", model="gpt-4o"))
    run(enter_model_price, OPERATOR, "gpt-4*", RATES, NOW - DAY, NOW)
    client = as_(admin)
    assert client.get(f"{PRICES}/unpriced").json() == [
        {"model": "gpt-4o", "requests": 1},
        {"model": "qwen3:32b", "requests": 1},
    ]
    assert client.post(f"{PRICES}/repair", json={}).json() == {"repaired": 1, "left": 1, "cursor": None}
    assert client.get(f"{PRICES}/unpriced").json() == [{"model": "qwen3:32b", "requests": 1}]
    for wrong in (["soon", 1], [NOW.isoformat(), 2**63]):
        assert client.post(f"{PRICES}/repair", json={"cursor": wrong}).status_code == 422
    cursor = [NOW.isoformat(), 10**6]
    assert client.post(f"{PRICES}/repair", json={"cursor": cursor}).json()["left"] == 0


MAP = {
    "gpt-4o": {"input_cost_per_token": 4e-06, "output_cost_per_token": 8e-06},
    "gpt-wrong": {"input_cost_per_token": "free"},
    "other": {"input_cost_per_token": 1},
}
RATE = {"rate": "0.5", "rate_day": "2026-11-01", "models": "gpt*"}


def test_price_map_is_previewed_and_imported(admin: Account, alice: Account, gateway: Gateway, as_: As) -> None:
    send(gateway, report("r-1", model="gpt-4o", requested_at=NOW - 30 * DAY))
    client, place = as_(admin), f"{PRICES}/import"
    found = client.post(place, json=MAP, params=RATE | {"preview": "true"}).json()
    assert found["prices"] == [{"model": "gpt-4o", "prompt": "2", "completion": "4", "cached": "2"}]
    assert [(row["model"], row["problem"]) for row in found["wrong"]] == [
        ("gpt-wrong", "input_cost_per_token is not a number.")
    ]
    assert (found["effect"]["total"]["would_cost_eur"], found["unwanted"]) == ("0.00028", 1)
    assert client.post(place, json=MAP, params=RATE).status_code == 409
    assert client.get(PRICES).json()["total"] == 1, "nothing is half done"
    done = client.post(place, json=MAP, params=RATE | {"skip_wrong": "true"}).json()
    assert (done["preview"], done["effect"], len(done["prices"])) == (False, None, 1)
    items = client.get(PRICES, params={"kind": "models"}).json()["items"]
    assert [(row["model"], row["source"]) for row in items] == [("gpt-4o", "LiteLLM, 1 USD = 0.5 EUR on 2026-11-01")]


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        pytest.param({"rate": "many"}, "A price is a decimal number", id="rate"),
        pytest.param({"rate": "0"}, "A rate is more than 0", id="rate of 0"),
        pytest.param({"rate_day": "someday"}, "rate_day", id="day"),
        pytest.param({"valid_from": "2026-11-01"}, "An instant has a date", id="begin without an offset"),
        pytest.param({"models": ""}, "The model must not be empty", id="empty pattern"),
    ],
)
def test_wrong_field_of_an_import_is_explained(admin: Account, as_: As, params: dict[str, str], sentence: str) -> None:
    answer = as_(admin).post(f"{PRICES}/import", json=MAP, params=RATE | params)
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
