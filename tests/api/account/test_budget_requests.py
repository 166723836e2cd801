"""A person's own requests for more tokens, as JSON."""

from typing import Any

import pytest

from portal.actions.spending.budget_requests import approve_request, decline_request
from portal.actions.spending.budgets import set_budget
from portal.db.tables import Account
from portal.rules.spending.budgets import Limits
from tests.api.conftest import As
from tests.cast import NOW, OPERATOR, run

URL = "/user/api/budget-requests"
BODY = {"period": "monthly", "tokens": 5000, "reason": "A thesis"}


@pytest.fixture
def limited(alice: Account) -> Account:
    """Alice, who may use 20,000 tokens a month."""
    run(set_budget, OPERATOR, alice.id, Limits(monthly=20_000), NOW)
    return alice


def test_request_is_asked_and_answered(limited: Account, bob: Account, as_: As) -> None:
    created = as_(limited).post(URL, json=BODY)
    assert created.status_code == 201
    assert created.json() == BODY | {
        "id": 1,
        "state": "open",
        "created_at": "2026-11-22T14:05:00Z",
        "decided_at": None,
        "decided_by": None,
        "answer": "",
        "granted_tokens": None,
        "granted_until": None,
    }
    run(approve_request, OPERATOR, 1, NOW)
    (answer,) = as_(limited).get(URL).json()
    assert (answer["state"], answer["granted_tokens"]) == ("approved", 5000)
    assert answer["granted_until"] == "2026-12-01T00:00:00Z"
    (allowance,) = as_(limited).get("/user/api/allowances").json()
    assert (allowance["tokens"], allowance["state"], allowance["reason"]) == (5000, "in_force", "A thesis")
    assert as_(limited).get("/user/api/budget").json()["monthly_limit"] == 25_000
    assert as_(bob).get(URL).json() == as_(bob).get("/user/api/allowances").json() == []


def test_request_is_withdrawn_by_its_person_only(limited: Account, bob: Account, as_: As) -> None:
    as_(limited).post(URL, json=BODY)
    assert as_(limited).post(URL, json=BODY).status_code == 409
    assert as_(bob).post(f"{URL}/1/withdraw").status_code == 404
    assert as_(limited).post(f"{URL}/1/withdraw").json()["state"] == "withdrawn"
    assert as_(limited).post(f"{URL}/1/withdraw").status_code == 409
    assert as_(limited).post(URL, json=BODY).status_code == 201
    run(decline_request, OPERATOR, 2, "No", NOW)
    assert as_(limited).post(f"{URL}/2/withdraw").status_code == 409


@pytest.mark.parametrize(
    "change",
    [
        {"period": "weekly"},
        {"period": "daily"},
        {"tokens": 0},
        {"tokens": "5000"},
        {"tokens": 2**70},
        {"tokens": True},
        {"reason": ""},
        {"reason": "x" * 501},
        {"reason": None},
        {"until": "2026-12-01"},
    ],
)
def test_malformed_request_is_refused(limited: Account, as_: As, change: dict[str, Any]) -> None:
    assert as_(limited).post(URL, json=BODY | change).status_code == 422
    assert as_(limited).get(URL).json() == []
