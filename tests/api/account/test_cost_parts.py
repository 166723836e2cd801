"""Which prices applied to a row of Billing, as JSON."""

from datetime import timedelta
from decimal import Decimal

from portal.actions.spending.prices import enter_model_price
from portal.db.tables import Account
from portal.rules.spending.prices import Rates
from tests.api.conftest import As
from tests.cast import NOW, OPERATOR, Gateway, report, run, send

COST = "/user/api/summary/cost"
GPT = {"model": "gpt-4o", "mode": "native"}


def test_parts_have_their_prices(alice: Account, bob: Account, gateway: Gateway, as_: As) -> None:
    run(enter_model_price, OPERATOR, "gpt-*", Rates(Decimal("2.50"), Decimal(10), Decimal(1)), NOW, NOW)
    before = NOW - timedelta(1)
    send(gateway, report("r-1", model="gpt-4o", cached_tokens=40), report("r-2", model="gpt-4o", requested_at=before))
    found = as_(alice).get(COST, params=GPT).json()
    assert [(part["model"], part["price_eur"], part["prompt_eur"], part["cost_eur"]) for part in found["parts"]] == [
        (None, "0.00002", None, "0.0024"),
        ("gpt-*", None, "2.5", "0.00039"),
    ]
    assert all(part["ties"] for part in found["parts"])
    assert (found["total"]["cost_eur"], found["deleted"]["requests"]) == ("0.00279", 0)
    assert as_(bob).get(COST, params=GPT).status_code == 404
