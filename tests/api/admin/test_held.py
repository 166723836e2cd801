"""Held events as JSON: the list, the files, and settling one or many."""

from typing import Any

import pytest

from portal.api.admin.held import COLUMNS
from portal.db.metering.totals import counter
from portal.db.tables import Account
from portal.rules.periods import EPOCH_DAY, Period
from tests.api.account.test_usage_export import READERS
from tests.api.conftest import As
from tests.cast import Gateway, audit_log, report, run, send

HELD = "/admin/api/held"
OTHER_SITE = {"Origin": "https://evil.example"}


@pytest.fixture
def held(alice: Account, gateway: Gateway) -> None:
    """Two events of nobody, and one contradiction: the numbers 1 to 3."""
    send(gateway, report("lost-1", key_hash="e" * 64), report("lost-2", username="nobody"), report("r-1"))
    send(gateway, report("r-1", prompt_tokens=1))


def requests_of(account: Account) -> int:
    return run(counter, account.id, Period.TOTAL, EPOCH_DAY).requests


def test_a_held_event_has_what_was_reported(held: None, admin: Account, as_: As) -> None:
    answer = as_(admin).get(HELD, params={"search": "lost-1"}).json()
    assert (answer["total"], answer["next_cursor"]) == (1, None)
    assert answer["items"][0] == {
        "number": 1,
        "gateway": "moe-1",
        "id": "lost-1",
        "reason": "unattributed",
        "requested_at": "2026-11-22T14:05:00Z",
        "received_at": "2026-11-22T14:05:00Z",
        "settled_at": None,
        "model": "qwen3:32b",
        "username": None,
        "key": "e" * 12,
        "tokens": 120,
    }
    body = as_(admin).get(f"{HELD}/1").json()
    assert (body["id"], body["key_hash"], body["prompt_tokens"]) == ("lost-1", "e" * 64, 100)
    assert as_(admin).get(f"{HELD}/99").status_code == 404


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_export_is_what_is_filtered(held: None, admin: Account, as_: As, kind: str) -> None:
    chosen = {"reason": "unattributed", "sort": "received"}
    rows = READERS[kind](as_(admin).get(f"{HELD}/export", params=chosen | {"format": kind}).content)
    assert [row["id"] for row in rows] == ["lost-1", "lost-2"]
    assert all(tuple(row) == COLUMNS for row in rows)


def test_events_are_settled_once(held: None, alice: Account, admin: Account, as_: As) -> None:
    client = as_(admin)
    assert client.post(f"{HELD}/1/assign", json={"account": "alice@example.org"}).status_code == 204
    assert client.post(f"{HELD}/1/assign", json={"account": "alice"}).status_code == 409
    assert client.post(f"{HELD}/3/assign", json={"account": "alice"}).status_code == 409
    assert client.post(f"{HELD}/2/assign", json={"account": "nobody"}).status_code == 404
    assert client.post(f"{HELD}/3/dismiss", json={"reason": "sent twice"}).status_code == 204
    assert requests_of(alice) == 2
    assert [item["number"] for item in client.get(HELD).json()["items"]] == [2]
    assert audit_log()[-1] == (
        "root",
        "held.dismiss",
        {"external_id": "r-1", "reason": "sent twice", "state": "dismissed"},
    )


@pytest.mark.parametrize(
    ("which", "settled"),
    [({"numbers": [3, 1, 1, 99]}, 1), ({"filter": {}}, 2), ({"filter": {"search": "lost-1"}}, 1)],
    ids=str,
)
def test_many_are_settled_and_problems_named(
    held: None, alice: Account, admin: Account, as_: As, which: dict[str, Any], settled: int
) -> None:
    body = {"action": "assign", "account": "alice", **which}
    answer = as_(admin).post(f"{HELD}/settle", json=body).json()
    assert (answer["settled"], answer["is_complete"]) == (settled, True)
    assert all(each["number"] in {3, 99} and each["detail"] for each in answer["problems"])
    assert requests_of(alice) == 1 + settled
    rest = as_(admin).post(f"{HELD}/settle", json={"action": "dismiss", "filter": {}}).json()
    assert rest["settled"] == 3 - settled


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("settle", {"action": "assign", "account": "alice"}),
        ("settle", {"action": "assign", "account": "alice", "numbers": [1], "filter": {}}),
        ("settle", {"action": "forget", "numbers": [1]}),
        ("settle", {"action": "dismiss", "filter": {"reason": "boredom"}}),
        ("settle", {"action": "dismiss", "numbers": []}),
        ("settle", {"action": "dismiss", "numbers": [2**63]}),
        ("1/assign", {}),
        ("1/dismiss", {"reason": "x" * 201}),
        ("1/dismiss", {"reason": "two\nlines"}),
    ],
    ids=str,
)
def test_wrong_bodies_change_nothing(held: None, admin: Account, as_: As, path: str, body: dict[str, Any]) -> None:
    assert as_(admin).post(f"{HELD}/{path}", json=body).status_code == 422
    assert as_(admin).get(HELD).json()["total"] == 3


@pytest.mark.parametrize("path", ["1/assign", "1/dismiss", "settle"])
def test_only_administrators_settle_from_here(held: None, alice: Account, admin: Account, as_: As, path: str) -> None:
    assert as_(alice).post(f"{HELD}/{path}", json={}).status_code == 403
    assert as_(admin).post(f"{HELD}/{path}", json={}, headers=OTHER_SITE).status_code == 403
