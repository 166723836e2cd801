"""Who may call what, tried on every route that the OpenAPI document names."""

from collections.abc import Callable

import pytest
import time_machine

from portal.actions.people.accounts import set_active
from portal.actions.people.sessions import sign_out
from portal.api import openapi
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.web.visitors import cookie_name
from tests.api.conftest import As, Client, everything
from tests.cast import NOW, OPERATOR, Gateway, report, run, send

ROUTES = [
    (method.upper(), path.replace("{usage_id}", "1").replace("{key_id}", "1"), operation)
    for path, operations in openapi()["paths"].items()
    for method, operation in operations.items()
]
OWN = [(method, path) for method, path, operation in ROUTES if operation.get("security") == [{"Session": []}]]
WRITES = [(method, path) for method, path in OWN if method != "GET"]
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://testserver:8081"},
    {"Origin": "http://testserver.evil.example"},
    {"Origin": "http://["},
    {"Origin": ""},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://testserver", "Sec-Fetch-Site": "cross-site"},
]
OURS = [
    {},
    {"Origin": "http://testserver"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "https://testserver", "Host": "testserver"},
]


def test_there_is_something_to_try() -> None:
    assert len(OWN) >= 10
    assert len(WRITES) >= 6


@pytest.mark.parametrize(("method", "path"), OWN)
@pytest.mark.parametrize("cookie", [None, "", "nonsense", "x" * 500, "\u00e9"])
def test_without_a_session_the_answer_is_401_in_json(
    client: Client, db: Database, method: str, path: str, cookie: str | None
) -> None:
    before = everything(db)
    headers = {} if cookie is None else {b"Cookie": f"{cookie_name()}={cookie}".encode()}
    answer = client.request(method, path, headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"error": "not_signed_in", "detail": "Sign in first."})
    assert everything(db) == before


@pytest.mark.parametrize("ending", ["signed out", "expired", "suspended"])
def test_an_ended_session_is_none(
    alice: Account, client: Client, sign_in_as: Callable[[Account], str], clock: time_machine.Traveller, ending: str
) -> None:
    token = sign_in_as(alice)
    client.cookies.set(cookie_name(), token)
    assert client.get("/user/api/budget").status_code == 200
    if ending == "signed out":
        run(sign_out, token)
    elif ending == "expired":
        clock.shift(15 * 24 * 3600)
    else:
        run(set_active, OPERATOR, alice.id, False, NOW)
    for method, path in OWN:
        assert client.request(method, path).status_code == 401


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_what_another_site_sends_is_refused(
    alice: Account, gateway: Gateway, as_: As, db: Database, method: str, path: str, headers: dict[str, str]
) -> None:
    send(gateway, report())
    client, before = as_(alice), everything(db)
    answer = client.request(method, path, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (403, "foreign_origin")
    assert everything(db) == before


@pytest.mark.parametrize("headers", OURS, ids=str)
def test_what_our_own_pages_or_programs_send_is_taken(alice: Account, as_: As, headers: dict[str, str]) -> None:
    assert as_(alice).post("/user/api/keys", json={"label": "x"}, headers=headers).status_code == 201


OF_A_ROW = {"/user/api/summary/cost"}
"""Routes that need a query."""


@pytest.mark.parametrize("path", [path for method, path in OWN if method == "GET" and path not in OF_A_ROW])
def test_reading_may_come_from_any_site(alice: Account, as_: As, path: str) -> None:
    assert as_(alice).get(path, headers=FOREIGN[0]).status_code == 200


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in ROUTES if method == "GET"])
def test_no_route_takes_parameters_it_does_not_know(
    alice: Account, admin: Account, as_: As, method: str, path: str
) -> None:
    answer = as_(admin if path.startswith("/admin/") else alice).get(path, params={"debug": "1"})
    if path != "/api/v1/budget":
        assert (answer.status_code, answer.json()["error"]) == (422, "invalid")
