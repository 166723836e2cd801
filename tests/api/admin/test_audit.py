"""The audit log as JSON and as a file."""

import pytest

from portal.actions.people.accounts import set_active
from portal.actions.spending.budgets import set_budget
from portal.db.tables import Account
from portal.rules.spending.budgets import Limits
from tests.api.conftest import As
from tests.cast import NOW, OPERATOR, run

AUDIT = "/admin/api/audit"


@pytest.fixture
def changes(alice: Account, bob: Account, admin: Account) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(daily=5), NOW)
    run(set_active, OPERATOR, bob.id, False, NOW)


@pytest.mark.parametrize(
    ("params", "actions"),
    [
        ({}, ["account.suspend", "budget.set"]),
        ({"target": "alice"}, ["budget.set"]),
        ({"action": "account.suspend"}, ["account.suspend"]),
        ({"actor": str(OPERATOR)}, ["account.suspend", "budget.set"]),
        ({"actor": "alice"}, []),
        ({"from": "2026-11-22", "to": "2026-11-22"}, ["account.suspend", "budget.set"]),
        ({"to": "2026-11-21"}, []),
    ],
)
def test_entries_match_the_filter(
    changes: None, admin: Account, as_: As, params: dict[str, str], actions: list[str]
) -> None:
    found = as_(admin).get(AUDIT, params=params).json()
    assert [item["action"] for item in found["items"]] == actions
    assert found["total"] == len(actions)


def test_entry_has_the_values_before_and_after(changes: None, admin: Account, as_: As) -> None:
    (item,) = as_(admin).get(AUDIT, params={"target": "alice"}).json()["items"]
    assert (item["before"], item["after"], item["username"]) == ({"daily": None}, {"daily": 5}, "alice")


def test_others_see_nothing(changes: None, alice: Account, as_: As) -> None:
    assert as_(alice).get(AUDIT).status_code == 403
