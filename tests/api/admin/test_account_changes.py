"""Changes to accounts as JSON."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from portal.actions.people.admin_tokens import create_admin_token
from portal.actions.spending.default_budgets import set_default_budget
from portal.actions.templates import define_template
from portal.db.people.accounts import account_named
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.rules.people.accounts import Role
from portal.rules.spending.budgets import BudgetType, Limits
from portal.views.people.account_list import load_account_item
from tests.api.conftest import As, Client, everything
from tests.cast import NOW, OPERATOR, audit_log, create_member, run

ACCOUNTS = "/admin/api/accounts"
DORA = {"username": "Dora", "email": "dora@example.org"}


@pytest.fixture
def root(admin: Account, as_: As) -> Client:
    """An administrator with a session."""
    return as_(admin)


def limits_of(account_id: int) -> Limits:
    return run(load_account_item, OPERATOR, account_id, NOW).limits


def test_new_account_gets_the_default_budget_and_a_link(root: Client) -> None:
    run(set_default_budget, OPERATOR, Role.EXPERT, Limits(daily=5, total=9), NOW)
    answer = root.post(ACCOUNTS, json=DORA | {"role": "expert"})
    assert answer.status_code == 201
    made = answer.json()
    assert (made["username"], made["display_name"], made["role"], made["status"]) == (
        "dora",
        "dora",
        "expert",
        "active",
    )
    assert limits_of(made["id"]) == Limits(daily=5, total=9)
    assert made["password_link"]["url"].startswith("http://testserver/user/reset-password?token=")
    assert made["password_link"]["expires_at"] == "2026-11-25T14:05:00Z"


def test_new_account_gets_what_is_given(root: Client) -> None:
    run(define_template, OPERATOR, "Coding", Decimal(1), [], NOW)
    given = {"display_name": "Dora Maar", "template": "Coding", "password": "a glass of cold tea"}
    made = root.post(ACCOUNTS, json=DORA | given | {"budget": {"total": 7, "type": "one_time"}}).json()
    assert (made["display_name"], made["password_link"]) == ("Dora Maar", None)
    assert limits_of(made["id"]) == Limits(total=7, type=BudgetType.ONE_TIME)
    row = run(account_named, "dora")
    assert row is not None
    assert row.template_id is not None
    assert row.password_hash
    ((_, action, details),) = [entry for entry in audit_log() if entry[1].startswith("account.")]
    assert (action, details["template"], details["budget"]["total"]) == ("account.create", "Coding", 7)


def test_an_empty_budget_is_none_in_spite_of_the_default(root: Client) -> None:
    run(set_default_budget, OPERATOR, Role.USER, Limits(daily=5), NOW)
    made = root.post(ACCOUNTS, json=DORA | {"budget": {}, "link": "none"}).json()
    assert (limits_of(made["id"]), made["password_link"]) == (Limits(), None)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"username": "dora"}, 422),
        (DORA | {"username": "do ra"}, 422),
        (DORA | {"username": "deleted-7"}, 422),
        (DORA | {"username": "x" * 65}, 422),
        (DORA | {"username": 7}, 422),
        (DORA | {"email": "nobody"}, 422),
        (DORA | {"role": "root"}, 422),
        (DORA | {"password": "short"}, 422),
        (DORA | {"display_name": "a\nb"}, 422),
        (DORA | {"budget": {"daily": -1}}, 422),
        (DORA | {"budget": {"daily": True}}, 422),
        (DORA | {"budget": {"daily": 1.5}}, 422),
        (DORA | {"budget": {"daily": 10**15 + 1}}, 422),
        (DORA | {"budget": {"type": "none"}}, 422),
        (DORA | {"template": "unknown"}, 422),
        (DORA | {"link": "print"}, 422),
        (DORA | {"id": 7}, 422),
        (DORA | {"link": "mail"}, 409),
        (DORA | {"username": "ALICE"}, 409),
        (DORA | {"email": "Alice@Example.org"}, 409),
    ],
    ids=str,
)
def test_wrong_new_account_changes_nothing(
    root: Client, alice: Account, db: Database, body: dict[str, Any], status: int
) -> None:
    before = everything(db)
    assert root.post(ACCOUNTS, json=body).status_code == status
    assert everything(db) == before


def test_edited_account_is_answered(root: Client, alice: Account) -> None:
    wanted = {"display_name": "Alice L.", "email": "al@example.org", "role": "expert", "language": "de"}
    body = wanted | {"version": alice.version, "time_zone": "Asia/Tokyo"}
    answer = root.patch(f"{ACCOUNTS}/{alice.id}", json=body).json()
    assert {name: answer.get(name) for name in ("display_name", "email", "role")} == {
        name: wanted[name] for name in ("display_name", "email", "role")
    }
    assert (answer["time_zone"], answer["version"] > alice.version) == ("Asia/Tokyo", True)


def test_second_editor_overwrites_nothing(root: Client, alice: Account, db: Database) -> None:
    first = {"version": alice.version, "display_name": "First"}
    assert root.patch(f"{ACCOUNTS}/{alice.id}", json=first).status_code == 200
    before = everything(db)
    second = root.patch(f"{ACCOUNTS}/{alice.id}", json=first | {"display_name": "Second"})
    assert (second.status_code, second.json()["error"]) == (409, "conflict")
    assert everything(db) == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"version": 1}, 422),
        ({"version": "1", "role": "user"}, 422),
        ({"display_name": ""}, 422),
        ({"email": "nobody"}, 422),
        ({"email": "bob@example.org"}, 409),
        ({"time_zone": "Mars/Base"}, 422),
        ({"language": "fr"}, 422),
        ({"username": "alicia"}, 422),
    ],
    ids=str,
)
def test_wrong_edit_changes_nothing(
    root: Client, alice: Account, bob: Account, db: Database, body: dict[str, Any], status: int
) -> None:
    before = everything(db)
    assert root.patch(f"{ACCOUNTS}/{alice.id}", json=body).status_code == status
    assert everything(db) == before


def test_budget_is_replaced(root: Client, alice: Account) -> None:
    root.put(f"{ACCOUNTS}/{alice.id}/budget", json={"daily": 0, "monthly": 5})
    assert limits_of(alice.id) == Limits(daily=0, monthly=5)
    assert root.put(f"{ACCOUNTS}/{alice.id}/budget", json={"total": 8}).json()["budget"]["period"] == "total"
    assert limits_of(alice.id) == Limits(total=8)


def test_account_is_suspended_and_activated(root: Client, alice: Account, as_: As) -> None:
    person = as_(alice)
    assert root.post(f"{ACCOUNTS}/{alice.id}/suspend").json()["status"] == "suspended"
    assert person.get("/user/api/budget").status_code == 401
    assert root.post(f"{ACCOUNTS}/{alice.id}/password-link").status_code == 409
    assert root.post(f"{ACCOUNTS}/{alice.id}/activate").json()["status"] == "active"


def test_sessions_are_ended(root: Client, alice: Account, as_: As) -> None:
    person = as_(alice)
    assert root.post(f"{ACCOUNTS}/{alice.id}/sign-out").json() == {"ended": 1}
    assert person.get("/user/api/budget").status_code == 401


def test_password_link_is_shown_once(root: Client, alice: Account) -> None:
    answer = root.post(f"{ACCOUNTS}/{alice.id}/password-link").json()
    assert "?token=" in answer["password_link"]["url"]
    assert answer["mailed_to"] is None
    assert root.post(f"{ACCOUNTS}/{alice.id}/password-link?by=mail").status_code == 409  # mail is not set up


def test_deleted_account_keeps_its_usage_under_a_name(root: Client, alice: Account) -> None:
    answer = root.delete(f"{ACCOUNTS}/{alice.id}").json()
    assert (answer["username"], answer["status"], answer["email"]) == (f"deleted-{alice.id}", "deleted", None)
    assert root.delete(f"{ACCOUNTS}/{alice.id}").status_code == 409


LAST: dict[str, Callable[[Client, str], Any]] = {
    "suspend": lambda client, url: client.post(f"{url}/suspend"),
    "demote": lambda client, url: client.patch(url, json={"role": "user"}),
    "delete": lambda client, url: client.delete(url),
}


@pytest.mark.parametrize("what", LAST)
def test_last_administrator_stays(root: Client, admin: Account, what: str, db: Database) -> None:
    before = everything(db)
    assert LAST[what](root, f"{ACCOUNTS}/{admin.id}").status_code == 409
    assert everything(db) == before


@pytest.mark.parametrize("account_id", ["0", "-1", "x", "1.0", str(2**63), "999999"])
def test_unknown_account_is_not_found(root: Client, account_id: str) -> None:
    expected = 404 if account_id == "999999" else 422
    assert root.post(f"{ACCOUNTS}/{account_id}/suspend").status_code == expected


def test_token_that_is_used_the_first_time_may_write(admin: Account, client: Client) -> None:
    target = create_member("dora")
    token = run(create_admin_token, OPERATOR, admin.id, "Script", ["accounts:write"], None, NOW).secret
    headers = {"Authorization": f"Bearer {token}"}
    assert client.post(f"{ACCOUNTS}/{target.id}/suspend", headers=headers).status_code == 200
    assert audit_log()[-1][:2] == ("admin token (Script)", "account.suspend")
