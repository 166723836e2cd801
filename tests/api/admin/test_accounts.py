"""The list of accounts as JSON and as files."""

from decimal import Decimal

import pytest

from portal.actions.spending.budgets import set_budget
from portal.api.admin.accounts import COLUMNS
from portal.db.tables import Account
from portal.rules.spending.budgets import Limits
from tests.api.account.test_usage_export import READERS
from tests.api.conftest import As
from tests.cast import NOW, OPERATOR, Gateway, create_member, report, run, send

ACCOUNTS = "/admin/api/accounts"
EXPORT = f"{ACCOUNTS}/export"


@pytest.fixture
def people(alice: Account, bob: Account, admin: Account, gateway: Gateway) -> None:
    send(gateway, report("a", prompt_tokens=980), report("b", username="bob"))
    run(set_budget, OPERATOR, alice.id, Limits(monthly=1400), NOW)


def test_an_account_has_the_figures_of_the_month(people: None, admin: Account, as_: As) -> None:
    answer = as_(admin).get(ACCOUNTS, params={"search": "alice"}).json()
    assert (answer["total"], answer["next_cursor"]) == (1, None)
    assert answer["items"][0] == {
        "id": 1,
        "username": "alice",
        "display_name": "Alice",
        "email": "alice@example.org",
        "role": "user",
        "team": None,
        "status": "active",
        "time_zone": "Europe/Berlin",
        "created_at": "2026-11-22T14:05:00Z",
        "signed_in_at": None,
        "tokens": 1000,
        "cost_eur": "0.02",
        "version": 2,
        "unpriced": 0,
        "budget": {"period": "monthly", "percent": "71.4", "level": "warning"},
    }


def test_cursor_leads_through_all_pages(people: None, admin: Account, as_: As) -> None:
    params = {"sort": "-tokens", "limit": "2"}
    first = as_(admin).get(ACCOUNTS, params=params).json()
    second = as_(admin).get(ACCOUNTS, params=params | {"cursor": first["next_cursor"]}).json()
    names = [item["username"] for item in first["items"] + second["items"]]
    assert names == ["alice", "bob", "root"]
    assert (first["total"], second["next_cursor"]) == (3, None)


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "0"},
        {"limit": "501"},
        {"limit": "1.0"},
        {"cursor": "x"},
        {"sort": "password_hash"},
        {"role": "root"},
        {"status": "gone"},
        {"search": "x" * 101},
        {"nonsense": "1"},
    ],
    ids=str,
)
def test_wrong_parameters_are_refused(admin: Account, as_: As, params: dict[str, str]) -> None:
    refused = as_(admin).get(ACCOUNTS, params=params)
    assert refused.status_code == 422
    assert next(iter(params)) in refused.json()["detail"]


def test_cursor_of_another_order_is_refused(people: None, admin: Account, as_: As) -> None:
    cursor = as_(admin).get(ACCOUNTS, params={"limit": "1"}).json()["next_cursor"]
    assert as_(admin).get(ACCOUNTS, params={"cursor": cursor, "sort": "-tokens"}).status_code == 422


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("chosen", [{}, {"search": "b"}, {"role": "user", "sort": "-tokens"}], ids=str)
def test_export_is_what_is_filtered(people: None, admin: Account, as_: As, kind: str, chosen: dict[str, str]) -> None:
    items = as_(admin).get(ACCOUNTS, params=chosen).json()["items"]
    answer = as_(admin).get(EXPORT, params=chosen | {"format": kind})
    assert answer.headers["content-disposition"] == f'attachment; filename="moe-portal-accounts-2026-11-22.{kind}"'
    rows = READERS[kind](answer.content)
    assert [row["username"] for row in rows] == [item["username"] for item in items]
    assert [int(row["tokens_this_month"]) for row in rows] == [item["tokens"] for item in items]
    assert all(tuple(row) == COLUMNS for row in rows)
    (percent,) = [row["budget_percent"] for row in rows if row["username"] == "alice"] or ["71.4"]
    assert Decimal(str(percent)) == Decimal("71.4")


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_no_cell_is_a_formula(admin: Account, as_: As, kind: str) -> None:
    def rename(session: object) -> None:
        session.get(Account, admin.id).display_name = '=HYPERLINK("http://evil")'  # type: ignore[attr-defined]

    run(rename)
    (row,) = READERS[kind](as_(admin).get(EXPORT, params={"format": kind}).content)
    assert row["name"] == ("'" if kind == "csv" else "") + '=HYPERLINK("http://evil")'


def test_export_has_no_lines_of_json(admin: Account, as_: As) -> None:
    create_member("x")
    assert as_(admin).get(EXPORT, params={"format": "jsonl"}).status_code == 422
