from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from pydantic import TypeAdapter
from sqlalchemy import event, select

from portal.actions.people.keys import NewKey, revoke_key
from portal.actions.people.sessions import TOUCHED_EVERY
from portal.actions.spending.budgets import set_budget
from portal.api.account.budget import BudgetAnswer
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.db.tables import Session as SessionRow
from portal.rules.spending.budgets import BudgetType, Limits
from portal.views.spending.budget import load_budgets
from tests.api.conftest import As, Client
from tests.cast import NOW, OPERATOR, Gateway, acting, report, run, send

MOMENT = timedelta(microseconds=1)


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
    run(set_budget, OPERATOR, alice.id, Limits(daily=1000, monthly=400, total=0), NOW)
    send(gateway, report(cost_factor=Decimal("2.5")))
    answer = as_(alice).get("/user/api/budget").json()
    assert (answer["daily_used"], answer["daily_input"], answer["daily_output"]) == (300, 100, 20)
    assert answer["daily_cost_eur"] == "0.006"
    assert [answer[f"{period}_percent"] for period in ("daily", "monthly", "total")] == [30.0, 75.0, 100.0]
    assert [answer[f"{period}_level"] for period in ("daily", "monthly", "total")] == ["normal", "warning", "critical"]
    assert [answer[f"{period}_limit"] for period in ("daily", "monthly", "total")] == [1000, 400, 0]


def test_a_one_time_budget_has_a_total_limit_and_no_reset(alice: Account, as_: As) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(10, 20, 30, BudgetType.ONE_TIME), NOW)
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
    run(revoke_key, acting(alice), alice.id, alices_key.id, NOW)
    assert client.get("/api/v1/budget", headers={"Authorization": f"Bearer {alices_key.secret}"}).status_code == 401


def test_a_gateways_token_is_no_persons_key(gateway: Gateway, client: Client) -> None:
    assert client.get("/api/v1/budget", headers={"Authorization": f"Bearer {gateway.token}"}).status_code == 401


def test_a_new_day_begins_at_zero(alice: Account, gateway: Gateway, as_: As, clock: time_machine.Traveller) -> None:
    send(gateway, report())
    clock.shift(24 * 3600)
    answer = as_(alice).get("/user/api/budget").json()
    assert (answer["daily_used"], answer["monthly_used"]) == (0, 120)


def test_asking_keeps_a_session_alive(alice: Account, as_: As, db: Database, clock: time_machine.Traveller) -> None:
    client = as_(alice)
    for moved, seen in ((TOUCHED_EVERY - MOMENT, NOW), (TOUCHED_EVERY, NOW + TOUCHED_EVERY)):
        clock.move_to(NOW + moved)
        assert client.get("/user/api/budget").is_success
        with db.reading() as session:
            assert session.scalar(select(SessionRow.last_seen_at)) == seen


def test_one_statement_answers(alice: Account, alices_key: NewKey, as_: As, client: Client, db: Database) -> None:
    statements: list[str] = []

    def note(connection, cursor, statement, *rest: object) -> None:
        statements.append(statement)

    signed_in = as_(alice)
    event.listen(db.engine, "before_cursor_execute", note)
    signed_in.get("/user/api/budget")
    client.get("/api/v1/budget", headers={"Authorization": f"Bearer {alices_key.secret}"})
    event.remove(db.engine, "before_cursor_execute", note)
    assert len(statements) == 2


def test_answers_are_as_the_document_says(alice: Account, gateway: Gateway, as_: As) -> None:
    proper = TypeAdapter(BudgetAnswer)
    for limits in (Limits(), Limits(1000, 400, 0), Limits(total=5, type=BudgetType.ONE_TIME)):
        run(set_budget, OPERATOR, alice.id, limits, NOW)
        content = as_(alice).get("/user/api/budget").content
        assert proper.dump_json(proper.validate_json(content)) == content
        send(gateway, report())
