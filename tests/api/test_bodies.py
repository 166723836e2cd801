"""Every JSON body of an account's routes, badly sent: a 4xx with a sentence, and nothing has changed."""

import gzip
import json
from typing import Any

import pytest

from portal.actions.people.keys import NewKey
from portal.db.sql.session import Database
from portal.db.tables import Account
from tests.api.conftest import As, Client, everything
from tests.cast import Gateway, report, send

ROUTES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "note": ("PUT", "/user/api/usage/1/note", {"note": "text"}),
    "alerts": ("POST", "/user/alerts", {"enabled": True, "threshold_percent": 90, "email": "a@example.org"}),
    "new key": ("POST", "/user/api/keys", {"label": "CI", "expires_at": "2027-01-01T00:00:00Z"}),
    "label": ("PATCH", "/user/api/keys/1", {"label": "CI"}),
}
OPTIONAL = {"email", "expires_at"}

NO_TEXT = [5, True, 1.5, ["x"], {"x": 1}, "a\x00b", "a\ud800"]
NO_LINE = [*NO_TEXT, None, "", "   ", "a\nb", "a\x1bb", "x" * 101]
BAD: dict[str, list[Any]] = {
    "note": [*NO_TEXT, None, "x" * 4001, "a\x07b"],
    "label": NO_LINE,
    "enabled": [None, 0, 1, "true", "on", [], {}],
    "threshold_percent": [
        None,
        0,
        101,
        -1,
        80.0,
        80.5,
        "80",
        True,
        [],
        2**53 + 1,
        2**63,
        10**39,
        float("nan"),
        float("inf"),
    ],
    "email": [
        *NO_TEXT,
        "nobody",
        "a@",
        "@b",
        "a b@c.org",
        "a@b..org",
        "a@b.org\nBcc: c@d.org",
        "x" * 64 + "y@b.org",
        "x" * 255,
    ],
    "expires_at": [
        5,
        True,
        [],
        {},
        "",
        "soon",
        "2027-01-01",
        "2027-01-01T00:00:00",
        "9999-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z",
    ],
}
CASES = [
    pytest.param(route, field, value, id=f"{route}: {field}={str(value)[:12]!r}")
    for route, (_, _, body) in ROUTES.items()
    for field in body
    for value in BAD[field]
]


@pytest.fixture
def alices(alice: Account, alices_key: NewKey, gateway: Gateway, as_: As) -> Client:
    """Alice, signed in, with key 1 and request 1."""
    send(gateway, report())
    return as_(alice)


def refused(client: Client, db: Database, route: str, **sent: Any) -> Any:
    """Send something to a route, and see that it is refused with a sentence and changes nothing."""
    method, path, _ = ROUTES[route]
    before = everything(db)
    headers = {"Content-Type": "application/json", **sent.pop("headers", {})}
    answer = client.request(method, path, headers=headers, **sent)
    assert 400 <= answer.status_code < 500
    assert everything(db) == before
    return answer


@pytest.mark.parametrize("route", ROUTES)
def test_the_usual_body_is_taken(alices: Client, route: str) -> None:
    method, path, body = ROUTES[route]
    assert alices.request(method, path, json=body).is_success


@pytest.mark.parametrize(("route", "field", "value"), CASES)
def test_a_value_out_of_bounds_is_refused(alices: Client, db: Database, route: str, field: str, value: Any) -> None:
    body = json.dumps(ROUTES[route][2] | {field: value})
    answer = refused(alices, db, route, content=body.encode())
    assert answer.status_code in {400, 422}
    assert len(answer.json()["detail"]) < 150


@pytest.mark.parametrize(
    ("route", "field"),
    [(route, field) for route, (_, _, body) in ROUTES.items() for field in body if field not in OPTIONAL],
)
def test_a_missing_field_is_named(alices: Client, db: Database, route: str, field: str) -> None:
    body = {name: value for name, value in ROUTES[route][2].items() if name != field}
    answer = refused(alices, db, route, content=json.dumps(body).encode())
    assert answer.json() == {"error": "invalid", "detail": f"{field} is missing."}


@pytest.mark.parametrize("route", ROUTES)
def test_an_unknown_field_is_named(alices: Client, db: Database, route: str) -> None:
    answer = refused(alices, db, route, content=json.dumps(ROUTES[route][2] | {"colour": "secret"}).encode())
    assert answer.json() == {"error": "invalid", "detail": "There is no field called colour."}


BODIES = [
    pytest.param(b"", {}, 400, id="nothing"),
    pytest.param(b"{}", {}, 422, id="an empty object"),
    pytest.param(b"[]", {}, 422, id="an array"),
    pytest.param(b"null", {}, 422, id="null"),
    pytest.param(b'"text"', {}, 422, id="text"),
    pytest.param(b"{", {}, 400, id="half an object"),
    pytest.param(b"[" * 60_000, {}, 400, id="60,000 levels"),
    pytest.param(b'{"a":' * 12_000, {}, 400, id="12,000 levels of objects"),
    pytest.param(b'{"a": 1, "a": 1}', {}, 400, id="a field given twice"),
    pytest.param(b'{"a": NaN}', {}, 400, id="NaN"),
    pytest.param(b'{"a": 1e999}', {}, 400, id="1e999"),
    pytest.param(b'{"a": ' + b"9" * 4000 + b"}", {}, 400, id="4,000 digits"),
    pytest.param(b'{"\\u0000": 1}', {}, 400, id="NUL in a name"),
    pytest.param(b'{"a": "\xff"}', {}, 400, id="no UTF-8"),
    pytest.param('{"a": 1}'.encode("utf-16"), {}, 400, id="UTF-16"),
    pytest.param(b"\xef\xbb\xbf{}", {}, 400, id="a byte order mark"),
    pytest.param(b" " * 65_537, {}, 413, id="more than 64 KiB"),
    pytest.param(b"{}", {"Content-Type": "text/plain"}, 415, id="plain text"),
    pytest.param(b"{}", {"Content-Type": ""}, 415, id="no content type"),
    pytest.param(b"{}", {"Content-Type": "application/json; charset=utf-16"}, 415, id="another charset"),
    pytest.param(b"{}", {"Content-Type": "application/jsonp"}, 415, id="a similar type"),
    pytest.param(gzip.compress(b"{}"), {"Content-Encoding": "gzip"}, 415, id="compressed"),
]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(("body", "headers", "status"), BODIES)
def test_a_body_that_is_none_is_refused(
    alices: Client, db: Database, route: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    assert refused(alices, db, route, content=body, headers=headers).status_code == status


@pytest.mark.parametrize("route", ROUTES)
def test_a_body_without_an_announced_length_is_counted(alices: Client, db: Database, route: str) -> None:
    assert refused(alices, db, route, content=iter([b" " * 40_000] * 2)).status_code == 413


@pytest.mark.parametrize("route", ROUTES)
def test_charset_may_be_given(alices: Client, route: str) -> None:
    method, path, body = ROUTES[route]
    headers = {"Content-Type": 'Application/JSON; charset="UTF-8"'}
    assert alices.request(method, path, content=json.dumps(body).encode(), headers=headers).is_success
