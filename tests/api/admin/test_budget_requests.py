"""Budget requests for the people who decide them, as JSON."""

from typing import Any

import pytest

from portal.actions.spending.budget_requests import ask_for_more
from portal.actions.spending.budgets import set_budget
from portal.api.admin.budget_requests import COLUMNS
from portal.db.spending.budgets import limits_in_force
from portal.db.tables import Account
from portal.rules.periods import Period
from portal.rules.spending.budgets import Limits
from tests.api.account.test_usage_export import READERS
from tests.api.conftest import As
from tests.cast import NOW, OPERATOR, acting, new_team, run

URL = "/admin/api/budget-requests"


@pytest.fixture
def asked(alice: Account) -> Account:
    """Alice of the team Analytics, who waits for 5,000 tokens a month more."""
    run(set_budget, OPERATOR, alice.id, Limits(monthly=20_000), NOW)
    new_team("Analytics", alice)
    run(ask_for_more, acting(alice), Period.MONTHLY, 5000, "=A thesis", NOW)
    return alice


def limit_of(account: Account) -> int | None:
    return run(limits_in_force, account.id, NOW).monthly


def test_open_requests_are_listed_and_approved_once(asked: Account, admin: Account, as_: As) -> None:
    client = as_(admin)
    answer = client.get(URL).json()
    assert (answer["total"], answer["next_cursor"]) == (1, None)
    assert answer["items"][0] == {
        "id": 1,
        "account_id": asked.id,
        "username": "alice",
        "display_name": "Alice",
        "team": "Analytics",
        "period": "monthly",
        "tokens": 5000,
        "reason": "=A thesis",
        "state": "open",
        "created_at": "2026-11-22T14:05:00Z",
        "decided_at": None,
        "decided_by": None,
        "answer": "",
        "granted_tokens": None,
        "granted_until": None,
    }
    body = {"tokens": 4000, "ends_at": "2026-12-24T23:00:00+01:00", "answer": "A bit less."}
    approved = client.post(f"{URL}/1/approve", json=body).json()
    assert (approved["state"], approved["decided_by"], approved["answer"]) == ("approved", "root", "A bit less.")
    assert (approved["granted_tokens"], approved["granted_until"]) == (4000, "2026-12-24T22:00:00Z")
    assert limit_of(asked) == 24_000
    again = client.post(f"{URL}/1/decline", json={"answer": "No"})
    assert (again.status_code, "by root" in again.json()["detail"]) == (409, True)
    assert client.get(URL).json()["items"] == []
    assert client.get(f"{URL}/1").json() == approved


def test_empty_approval_grants_what_was_asked(asked: Account, admin: Account, as_: As) -> None:
    assert as_(admin).post(f"{URL}/1/approve", json={}).json()["granted_until"] == "2026-12-01T00:00:00Z"
    assert limit_of(asked) == 25_000


@pytest.mark.parametrize(
    ("way", "body"),
    [
        ("approve", {"tokens": 0}),
        ("approve", {"tokens": "5000"}),
        ("approve", {"ends_at": "2026-11-22T14:05:00"}),
        ("approve", {"ends_at": "2020-01-01T00:00:00Z"}),
        ("approve", {"until": "2026-12-24"}),
        ("decline", {}),
        ("decline", {"answer": ""}),
        ("decline", {"answer": "x" * 501}),
    ],
)
def test_malformed_decision_is_refused(asked: Account, admin: Account, as_: As, way: str, body: dict[str, Any]) -> None:
    assert as_(admin).post(f"{URL}/1/{way}", json=body).status_code == 422
    assert as_(admin).post(f"{URL}/99/{way}", json={"answer": "No"}).status_code == 404
    assert as_(admin).get(f"{URL}/1").json()["state"] == "open"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_export_is_what_is_filtered(asked: Account, admin: Account, as_: As, kind: str) -> None:
    (row,) = READERS[kind](as_(admin).get(f"{URL}/export", params={"team": "analytics", "format": kind}).content)
    assert tuple(row) == COLUMNS
    assert (row["username"], row["period"], row["reason"][-8:]) == ("alice", "monthly", "A thesis")
    assert READERS[kind](as_(admin).get(f"{URL}/export", params={"state": "decided", "format": kind}).content) == []
