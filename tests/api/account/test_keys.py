import logging
import re
from typing import Any

import pytest
import time_machine

from portal.actions.people.keys import NewKey
from portal.db.people.keys import MOST_KEYS
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.rules.people.secrets import digest
from tests.api.conftest import As, Client, everything
from tests.cast import Gateway, report, send

KEYS = "/user/api/keys"


def test_a_new_key_is_shown_in_full_once_and_works(
    alice: Account, as_: As, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    created = as_(alice).post(KEYS, json={"label": "  CI  "})
    answer = created.json()
    secret = answer.pop("key")
    assert created.status_code == 201
    assert re.fullmatch(r"moe-sk-[0-9a-f]{48}", secret)
    assert answer == {
        "id": 1,
        "prefix": secret[:16],
        "label": "CI",
        "created_at": "2026-11-22T14:05:00Z",
        "expires_at": None,
        "last_used_at": None,
        "revoked_at": None,
        "status": "active",
        "budget": None,
    }
    assert as_(alice).get(KEYS).json() == {"keys": [answer]}
    assert client.get("/api/v1/budget", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    assert secret not in caplog.text + as_(alice).get(KEYS).text


def test_a_key_works_until_it_expires(alice: Account, as_: As, client: Client, clock: time_machine.Traveller) -> None:
    body = {"label": "short", "expires_at": "2026-11-22T17:05:00+01:00"}
    created = as_(alice).post(KEYS, json=body).json()
    assert created["expires_at"] == "2026-11-22T16:05:00Z"
    headers = {"Authorization": f"Bearer {created['key']}"}
    clock.shift(7199)
    assert client.get("/api/v1/budget", headers=headers).status_code == 200
    clock.shift(1)
    assert client.get("/api/v1/budget", headers=headers).status_code == 401
    assert as_(alice).get(KEYS).json()["keys"][0]["status"] == "expired"


def test_a_key_gets_another_label(alice: Account, alices_key: NewKey, as_: As) -> None:
    assert as_(alice).patch(f"{KEYS}/{alices_key.id}", json={"label": "Büro"}).json()["label"] == "Büro"
    assert as_(alice).get(KEYS).json()["keys"][0]["label"] == "Büro"


def test_a_revoked_key_ends_at_once_and_stays_in_the_list(
    alice: Account, alices_key: NewKey, as_: As, client: Client, clock: time_machine.Traveller
) -> None:
    first = as_(alice).post(f"{KEYS}/{alices_key.id}/revoke").json()
    assert (first["status"], first["revoked_at"]) == ("revoked", "2026-11-22T14:05:00Z")
    clock.shift(60)
    assert as_(alice).post(f"{KEYS}/{alices_key.id}/revoke", json={}).json() == first
    assert as_(alice).get(KEYS).json() == {"keys": [first]}
    assert client.get("/api/v1/budget", headers={"Authorization": f"Bearer {alices_key.secret}"}).status_code == 401


def test_anothers_key_is_not_there(alice: Account, bob: Account, alices_key: NewKey, as_: As, db: Database) -> None:
    client, before = as_(bob), everything(db)
    assert client.get(KEYS).json() == {"keys": []}
    for key_id in (alices_key.id, 9999, 2**63 - 1):
        assert client.patch(f"{KEYS}/{key_id}", json={"label": "mine"}).status_code == 404
        assert client.post(f"{KEYS}/{key_id}/revoke").status_code == 404
    assert everything(db) == before


def test_budget_of_a_key_is_set_and_shown(
    alice: Account, alices_key: NewKey, as_: As, gateway: Gateway, db: Database
) -> None:
    send(gateway, report(key_hash=digest(alices_key.secret)))
    answer = as_(alice).put(f"{KEYS}/{alices_key.id}/budget", json={"daily": 150, "monthly": None, "total": 120})
    assert (answer.status_code, answer.json()["budget"]) == (
        200,
        {
            "daily": {
                "limit": 150,
                "consumed": 120,
                "remaining": 30,
                "percent": 80.0,
                "level": "warning",
                "resets_at": "2026-11-23T00:00:00Z",
            },
            "monthly": dict.fromkeys(("limit", "remaining", "percent", "level", "resets_at")) | {"consumed": 120},
            "total": {
                "limit": 120,
                "consumed": 120,
                "remaining": 0,
                "percent": 100.0,
                "level": "critical",
                "resets_at": None,
            },
        },
    )
    assert as_(alice).get(KEYS).json() == {"keys": [answer.json()]}
    none = {"daily": None, "monthly": None, "total": None}
    assert as_(alice).put(f"{KEYS}/{alices_key.id}/budget", json=none).json()["budget"] is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param({"daily": 1, "monthly": 1}, 422, id="a limit is missing"),
        pytest.param({"daily": -1, "monthly": None, "total": None}, 422, id="a negative limit"),
        pytest.param({"daily": 10**15 + 1, "monthly": None, "total": None}, 422, id="too large a limit"),
        pytest.param({"daily": "5", "monthly": None, "total": None}, 422, id="a limit in quotes"),
        pytest.param({"daily": 1.0, "monthly": None, "total": None}, 422, id="a fraction"),
        pytest.param({"daily": True, "monthly": None, "total": None}, 422, id="a truth"),
        pytest.param({"daily": 1, "monthly": 1, "total": 1, "type": "one_time"}, 422, id="an unknown field"),
        pytest.param([1, 2, 3], 422, id="a list"),
    ],
)
def test_wrong_budget_of_a_key_changes_nothing(
    alice: Account, alices_key: NewKey, as_: As, db: Database, body: Any, status: int
) -> None:
    client, before = as_(alice), everything(db)
    assert client.put(f"{KEYS}/{alices_key.id}/budget", json=body).status_code == status
    assert everything(db) == before


def test_budget_of_anothers_key_is_not_there(
    alice: Account, bob: Account, alices_key: NewKey, as_: As, db: Database
) -> None:
    client, before = as_(bob), everything(db)
    body = {"daily": 1, "monthly": None, "total": None}
    for key_id in (alices_key.id, 9999, 2**63 - 1):
        assert client.put(f"{KEYS}/{key_id}/budget", json=body).status_code == 404
    assert everything(db) == before


def test_there_is_an_end_to_keys(alice: Account, as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_KEYS == 200
    monkeypatch.setattr("portal.actions.people.keys.MOST_KEYS", 1)
    assert as_(alice).post(KEYS, json={"label": "one"}).status_code == 201
    answer = as_(alice).post(KEYS, json={"label": "two"})
    assert (answer.status_code, answer.json()["error"]) == (409, "conflict")


@pytest.mark.parametrize(
    "expires_at",
    [
        pytest.param("2026-11-22T14:05:00Z", id="now"),
        pytest.param("2020-01-01T00:00:00Z", id="in the past"),
        pytest.param("2027-01-01", id="only a day"),
        pytest.param("2027-01-01T00:00:00", id="no offset"),
        pytest.param("9999-12-31T23:59:59Z", id="for ever"),
        pytest.param("2027-06-30T23:59:60Z", id="a leap second"),
        pytest.param(1_900_000_000, id="seconds since 1970"),
        pytest.param(True, id="true"),
    ],
)
def test_a_key_ends_at_a_proper_instant_to_come(alice: Account, as_: As, db: Database, expires_at: Any) -> None:
    client, before = as_(alice), everything(db)
    answer = client.post(KEYS, json={"label": "x", "expires_at": expires_at})
    assert answer.status_code == 422
    assert everything(db) == before


def test_revoking_takes_no_body(alice: Account, alices_key: NewKey, as_: As, db: Database) -> None:
    client, before = as_(alice), everything(db)
    assert client.post(f"{KEYS}/{alices_key.id}/revoke", json={"at": "once"}).status_code == 422
    assert client.post(f"{KEYS}/{alices_key.id}/revoke", content=b"x" * 70_000).status_code == 413
    assert everything(db) == before
