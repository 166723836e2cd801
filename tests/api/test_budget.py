from collections.abc import Callable
from decimal import Decimal

import pytest
import time_machine

from portal.actions.administration import set_budget
from portal.actions.keys import NewKey, revoke_key
from portal.db.tables import Account
from portal.rules.budgets import BudgetType, Limits
from portal.views.budget import load_budgets
from tests.api.conftest import As, Client
from tests.cast import NOW, Gateway, report, run, send


def test_a_new_account_has_used_nothing_and_has_no_limits(alice: Account, as_: As) -> None:
    assert as_(alice).get("/user/api/budget").json() == {
        **{f"{period}_{name}": 0 for period in ("daily", "monthly", "total") for name in ("used", "input", "output")},
        **{
            f"{period}_{name}": None
            for period in ("daily", "monthly", "total")
            for name in ("limit", "percent", "level")
        },
        **{f"{period}_cost_eur": "0.00" for period in ("daily", "monthly", "total")},
        "budget_type": "subscription",
        "daily_reset_iso": "2026-11-23T00:00:00Z",
        "monthly_reset_iso": "2026-12-01T00:00:00Z",
        "server_time_iso": "2026-11-22T14:05:00Z",
    }


def test_used_is_billable_and_input_and_output_are_raw(alice: Account, gateway: Gateway, as_: As) -> None:
    run(set_budget, "test", "alice", Limits(daily=1000, monthly=400, total=0), NOW)
    send(gateway, report(cost_factor=Decimal("2.5")))
    answer = as_(alice).get("/user/api/budget").json()
    assert (answer["daily_used"], answer["daily_input"], answer["daily_output"]) == (300, 100, 20)
    assert answer["daily_cost_eur"] == "0.006"
    assert [answer[f"{period}_percent"] for period in ("daily", "monthly", "total")] == [30.0, 75.0, 100.0]
    assert [answer[f"{period}_level"] for period in ("daily", "monthly", "total")] == ["normal", "warning", "critical"]
    assert [answer[f"{period}_limit"] for period in ("daily", "monthly", "total")] == [1000, 400, 0]


def test_a_one_time_budget_has_a_total_limit_and_no_reset(alice: Account, as_: As) -> None:
    run(set_budget, "test", "alice", Limits(10, 20, 30, BudgetType.ONE_TIME), NOW)
    answer = as_(alice).get("/user/api/budget").json()
    assert [answer[f"{period}_limit"] for period in ("daily", "monthly", "total")] == [None, None, 30]
    assert answer["budget_type"] == "one_time"
    assert answer["daily_reset_iso"] is answer["monthly_reset_iso"] is None


def test_the_figures_are_those_of_the_page(
    alice: Account, bob: Account, gateway: Gateway, as_: As, settings_env: Callable[..., None]
) -> None:
    settings_env(budget_timezone="Pacific/Auckland")
    send(gateway, report("r-1"), report("r-2", prompt_tokens=7), report("r-3", username="bob"))
    answer = as_(alice).get("/user/api/budget").json()
    for shown in run(load_budgets, alice.id, NOW).all:
        assert answer[f"{shown.period}_used"] == shown.budget.consumed == 147
    assert answer["daily_reset_iso"] == "2026-11-23T11:00:00Z"


def test_a_program_sees_the_same_with_its_key(alice: Account, alices_key: NewKey, as_: As, client: Client) -> None:
    by_key = client.get("/api/v1/budget", headers={"Authorization": f"Bearer {alices_key.secret}"})
    assert by_key.json() == as_(alice).get("/user/api/budget").json()


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer moe-sk-", "Bearer moe-sk-" + "0" * 48, "Basic YTpi", "Bearer \u00e9", "moe-sk-x"],
)
def test_a_program_without_a_known_key_sees_nothing(client: Client, authorization: str) -> None:
    answer = client.get("/api/v1/budget", headers={b"Authorization": authorization.encode()})
    assert (answer.status_code, answer.json()["error"]) == (401, "unknown_token")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_key_that_was_revoked_sees_nothing_at_once(alice: Account, alices_key: NewKey, client: Client) -> None:
    run(revoke_key, alice.id, alices_key.id, NOW)
    assert client.get("/api/v1/budget", headers={"Authorization": f"Bearer {alices_key.secret}"}).status_code == 401


def test_a_gateways_token_is_no_persons_key(gateway: Gateway, client: Client) -> None:
    assert client.get("/api/v1/budget", headers={"Authorization": f"Bearer {gateway.token}"}).status_code == 401


def test_a_new_day_begins_at_zero(alice: Account, gateway: Gateway, as_: As, clock: time_machine.Traveller) -> None:
    send(gateway, report())
    clock.shift(24 * 3600)
    answer = as_(alice).get("/user/api/budget").json()
    assert (answer["daily_used"], answer["monthly_used"]) == (0, 120)
