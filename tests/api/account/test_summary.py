from datetime import timedelta
from decimal import Decimal

from portal.db.tables import Account
from portal.rules.spending.pricing import eur_text
from portal.views.spending.summary import load_summary
from tests.api.conftest import As
from tests.cast import NOW, Gateway, report, run, send

NOTHING = {
    "tokens": 0,
    "prompt_tokens": 0,
    "completion_tokens": 0,
    "total_tokens": 0,
    "requests": 0,
    "cost_eur": "0.00",
}


def test_a_new_account_has_zeros_for_every_day(alice: Account, as_: As) -> None:
    answer = as_(alice).get("/user/api/summary").json()
    assert (answer["total"], answer["month"], answer["by_model"], answer["price_eur"]) == (
        NOTHING,
        NOTHING,
        [],
        "0.00002",
    )
    assert [day["day"] for day in answer["daily"]] == [f"2026-11-{day:02}" for day in range(9, 23)]


def test_everything_adds_up(alice: Account, bob: Account, gateway: Gateway, as_: As) -> None:
    send(
        gateway,
        *[report(f"r-{n}", requested_at=NOW - timedelta(days=n % 14), cost_factor=Decimal("1.5")) for n in range(30)],
        report("other", model="mixtral", mode="moe_reasoning", prompt_tokens=0, completion_tokens=1),
        report("bobs", username="bob"),
    )
    answer = as_(alice).get("/user/api/summary").json()
    assert answer["total"] == answer["month"]
    assert answer["total"]["requests"] == 31
    assert answer["total"]["tokens"] == 30 * 180 + 1
    for name in ("tokens", "prompt_tokens", "completion_tokens", "total_tokens", "requests"):
        assert sum(day[name] for day in answer["daily"]) == answer["total"][name]
        assert sum(row[name] for row in answer["by_model"]) == answer["total"][name]
    costs = [sum(Decimal(part["cost_eur"]) for part in answer[parts]) for parts in ("daily", "by_model")]
    assert costs == [Decimal(answer["total"]["cost_eur"])] * 2
    assert [(row["model"], row["mode"]) for row in answer["by_model"]] == [
        ("qwen3:32b", "native"),
        ("mixtral", "moe_reasoning"),
    ]


def test_the_figures_are_those_of_the_page(alice: Account, gateway: Gateway, as_: As) -> None:
    send(gateway, report())
    answer, page = as_(alice).get("/user/api/summary").json(), run(load_summary, alice.id, NOW)
    assert answer["month"]["tokens"] == page.month.tokens
    assert answer["month"]["cost_eur"] == eur_text(page.month.cost_nano_eur)
    assert [day["tokens"] for day in answer["daily"]] == [bar.figures.tokens for bar in page.daily]


def test_nobody_sees_anothers_sums(alice: Account, charlie: Account, gateway: Gateway, as_: As) -> None:
    send(gateway, report())
    assert as_(charlie).get("/user/api/summary").json()["total"] == NOTHING
