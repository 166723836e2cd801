from typing import Any

import pytest

from portal.db.sql.session import Database
from portal.db.tables import Account
from tests.api.conftest import As, Client, everything
from tests.cast import Gateway, report, send

NOTE = "/user/api/usage/{}/note"


@pytest.fixture
def request_id(alice: Account, bob: Account, gateway: Gateway) -> int:
    """One request of Alice, with no note yet."""
    send(gateway, report(), report("bobs", username="bob"))
    return 1 if report().id < "bobs" else 2


@pytest.fixture
def mine(alice: Account, request_id: int, as_: As) -> str:
    """The address of the note on Alice's request."""
    (item,) = as_(alice).get("/user/api/usage").json()["items"]
    return NOTE.format(item["id"])


def shown(client: Client) -> Any:
    return client.get("/user/api/usage").json()["items"][0]["note"]


def test_a_note_is_written_changed_and_deleted(alice: Account, mine: str, as_: As) -> None:
    client = as_(alice)
    for text, stored in [
        (" first\r\nsecond\tthird \U0001f600 ", "first\nsecond\tthird \U0001f600"),
        ("another", "another"),
        ("x" * 4000, "x" * 4000),
        ("  ", None),
        ("again", "again"),
    ]:
        assert client.put(mine, json={"note": text}).json() == {"note": stored}
        assert shown(client) == stored
    assert client.delete(mine).json() == {"note": None}
    assert client.delete(mine).json() == {"note": None}
    assert shown(client) is None


@pytest.mark.parametrize("usage_id", ["9999", str(2**63 - 1)])
def test_a_request_that_is_not_there_has_no_note(alice: Account, mine: str, as_: As, usage_id: str) -> None:
    assert as_(alice).put(NOTE.format(usage_id), json={"note": "x"}).status_code == 404
    assert as_(alice).delete(NOTE.format(usage_id)).status_code == 404


def test_anothers_request_is_not_there(
    alice: Account, bob: Account, charlie: Account, mine: str, as_: As, db: Database
) -> None:
    as_(alice).put(mine, json={"note": "private"})
    for other in (bob, charlie):
        as_(other)  # the account keeps when it last signed in
    before = everything(db)
    for other in (bob, charlie):
        answers = [as_(other).put(mine, json={"note": "x"}), as_(other).delete(mine)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].json() == as_(other).put(NOTE.format(9999), json={"note": "x"}).json()
    assert everything(db) == before


@pytest.mark.parametrize("usage_id", ["0", "-1", str(2**63), "9" * 4000, "1.0", "abc", "%00", "1e3", "\u0661x"])
def test_an_id_is_a_number(alice: Account, mine: str, as_: As, usage_id: str) -> None:
    assert as_(alice).put(NOTE.format(usage_id), json={"note": "x"}).status_code == 422
    assert as_(alice).delete(NOTE.format(usage_id)).status_code == 422


def test_deleting_takes_no_body(alice: Account, mine: str, as_: As) -> None:
    client = as_(alice)
    assert client.request("DELETE", mine, content=b'{"note": "x"}').status_code == 422
    assert client.request("DELETE", mine, content=b"nonsense").status_code == 400
    assert client.request("DELETE", mine, content=b"{}").status_code == 200
