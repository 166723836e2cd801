"""`portal request`."""

import json

import pytest

from portal.actions.spending.budget_requests import ask_for_more
from portal.actions.spending.budgets import set_budget
from portal.clock import utc_now
from portal.db.tables import Account
from portal.rules.periods import Period
from portal.rules.spending.budgets import Limits
from tests.cast import OPERATOR, acting, run
from tests.cli.terminal import audit, fail, misuse, rows, succeed


@pytest.fixture
def asked(alice: Account) -> str:
    """The number of a request of Alice."""
    now = utc_now()
    run(set_budget, OPERATOR, alice.id, Limits(monthly=20_000), now)
    return str(run(ask_for_more, acting(alice), Period.MONTHLY, 5000, "A thesis", now))


def test_requests_are_listed_and_approved(asked: str) -> None:
    (row,) = rows(succeed("request", "list"))
    assert (row[0], row[2], row[4:8]) == (asked, "alice", ["monthly", "5000", "A thesis", "open"])
    output = succeed("request", "approve", asked, "--tokens", "4000", "--answer", "Less")
    assert output.startswith(f"Approved request {asked}: alice has 4,000 more tokens (monthly) until 20")
    assert rows(succeed("request", "list")) == []
    (record,) = json.loads(succeed("request", "list", "--state", "decided", "--json"))
    assert (record["state"], record["granted_tokens"], record["decided_by"]) == ("approved", 4000, None)
    assert "decided already" in fail("request", "decline", asked, "--answer", "No")
    assert audit()[-1][0] == "budget_request.approve"


def test_request_is_declined_with_a_word(asked: str) -> None:
    assert "--answer" in misuse("request", "decline", asked)
    assert succeed("request", "decline", asked, "--answer", "No") == f"Declined request {asked} of alice.\n"
    (record,) = json.loads(succeed("request", "list", "--state", "declined", "--json"))
    assert (record["answer"], record["granted_tokens"]) == ("No", None)
