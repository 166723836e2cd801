"""One account as JSON, and what belongs to it."""

import io
import json
from datetime import timedelta
from zipfile import ZipFile

import pytest

from portal.actions.people.keys import NewKey
from portal.actions.people.sessions import Browser, open_session_for
from portal.actions.spending.budgets import set_budget
from portal.db.tables import Account
from portal.rules.spending.budgets import Limits
from tests.api.conftest import As
from tests.cast import NOW, OPERATOR, Gateway, opens, report, run, send
from tests.queries import entries

LATER = (NOW + timedelta(days=9)).isoformat()


def of(account: Account, part: str = "") -> str:
    return f"/admin/api/accounts/{account.id}{part}"


def test_an_account_has_its_budgets_and_allowances(alice: Account, admin: Account, as_: As, gateway: Gateway) -> None:
    send(gateway, report(prompt_tokens=980))
    run(set_budget, OPERATOR, alice.id, Limits(monthly=1000), NOW)
    browser = as_(admin)
    body = {"period": "monthly", "tokens": 500, "reason": "Thesis", "ends_at": LATER}
    made = browser.post(of(alice, "/allowances"), json=body)
    assert (made.status_code, made.json()["tokens"], made.json()["granted_by"]) == (201, 500, "root")
    answer = browser.get(of(alice)).json()
    assert answer["account"]["username"] == "alice"
    assert answer["limits"] == {"daily": None, "monthly": 1000, "total": None, "type": "subscription"}
    assert (answer["budgets"]["monthly_used"], answer["budgets"]["monthly_limit"]) == (1000, 1500)
    assert answer["allowances"] == browser.get(of(alice, "/allowances")).json() == [made.json()]


def test_only_allowances_of_the_account_are_ended(alice: Account, bob: Account, admin: Account, as_: As) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(monthly=1000), NOW)
    browser = as_(admin)
    body = {"period": "monthly", "tokens": 500, "reason": "Thesis", "ends_at": LATER}
    number = browser.post(of(alice, "/allowances"), json=body).json()["id"]
    assert browser.delete(of(bob, f"/allowances/{number}")).status_code == 404
    assert browser.delete(of(alice, f"/allowances/{number}")).status_code == 204
    assert browser.delete(of(alice, f"/allowances/{number}")).status_code == 409
    assert browser.get(of(alice, "/allowances")).json()[0]["state"] == "ended"


def test_keys_are_created_and_revoked_for_a_person(
    alice: Account, bob: Account, alices_key: NewKey, admin: Account, as_: As
) -> None:
    browser = as_(admin)
    made = browser.post(of(bob, "/keys"), json={"label": "laptop"})
    assert made.status_code == 201
    assert opens(made.json()["key"], NOW)
    assert [key["label"] for key in browser.get(of(bob, "/keys")).json()["keys"]] == ["laptop"]
    assert browser.delete(of(bob, f"/keys/{alices_key.id}")).status_code == 404
    assert browser.delete(of(bob, f"/keys/{made.json()['id']}")).json()["status"] == "revoked"
    assert not opens(made.json()["key"], NOW)
    assert {entry.actor for entry in run(entries, bob.id)} == {"root"}


def test_sessions_of_an_account_are_ended(alice: Account, bob: Account, admin: Account, as_: As) -> None:
    for account in (alice, bob):
        run(open_session_for, account.id, Browser("Firefox", "192.0.2.1"), NOW)
    browser = as_(admin)
    (session,) = browser.get(of(alice, "/sessions")).json()
    assert (session["user_agent"], session["address"]) == ("Firefox", "192.0.2.1")
    assert browser.delete(of(bob, f"/sessions/{session['id']}")).status_code == 404
    assert browser.delete(of(alice, f"/sessions/{session['id']}")).status_code == 204
    assert browser.get(of(alice, "/sessions")).json() == []


def test_the_export_is_about_that_person(alice: Account, bob: Account, admin: Account, as_: As) -> None:
    answer = as_(admin).get(of(alice, "/export"))
    assert f"moe-portal-alice-{NOW:%Y-%m-%d}.zip" in answer.headers["content-disposition"]
    with ZipFile(io.BytesIO(answer.content)) as archive:
        (row,) = json.loads(archive.read("account.json"))
    assert row["username"] == "alice"


def test_usage_and_billing_are_the_persons_own(
    alice: Account, bob: Account, admin: Account, as_: As, gateway: Gateway
) -> None:
    send(gateway, report(prompt_tokens=980), report("b", username="bob"))
    administrators = as_(admin)
    seen = [administrators.get(of(alice, part)).json() for part in ("/usage", "/billing")]
    file = administrators.get(of(alice, "/usage/export")).text
    own = as_(alice)
    assert seen == [own.get(f"/user/api/{part}").json() for part in ("usage", "summary")]
    assert file == own.get("/user/api/usage/export").text


@pytest.mark.parametrize(
    "part", ["", "/keys", "/sessions", "/allowances", "/export", "/usage", "/usage/export", "/billing"]
)
def test_unknown_accounts_are_not_found(admin: Account, as_: As, part: str) -> None:
    assert as_(admin).get(f"/admin/api/accounts/999999{part}").status_code == 404
