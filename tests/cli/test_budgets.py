"""`portal budget`."""

import json

import pytest

from portal.clock import utc_now
from portal.db.spending.budgets import limits
from portal.db.sql.session import Database, run_in_reading
from portal.db.tables import Account
from portal.rules.spending.budgets import BudgetType, Limits
from tests.cast import Gateway, report, send
from tests.cli.terminal import fail, misuse, rows, succeed


def test_omitted_limits_stay_and_none_takes_one_away(alice: Account, bob: Account) -> None:
    succeed("budget", "set", "alice", "--daily", "1_000", "--monthly", "20000", "--total", "0")
    succeed("budget", "set", "alice", "--monthly", "none", "--type", "one_time")
    assert run_in_reading(limits, alice.id) == Limits(1000, None, 0, BudgetType.ONE_TIME)
    succeed("budget", "set", "alice", "--daily", "7")
    assert run_in_reading(limits, alice.id) == Limits(7, None, 0, BudgetType.ONE_TIME)
    assert run_in_reading(limits, bob.id) == Limits()


@pytest.mark.parametrize("text", ["-1", "1.5", "1e6", "many", "", "٣", "NaN", "_1", "1" * 30])
def test_a_limit_that_is_no_whole_number_is_wrong_usage(alice: Account, text: str) -> None:
    misuse("budget", "set", "alice", f"--daily={text}")
    assert run_in_reading(limits, alice.id) == Limits()


def test_budget_out_of_bounds_or_without_change_is_refused(alice: Account) -> None:
    assert "whole number of tokens from 0 to" in fail("budget", "set", "alice", "--total", str(10**15 + 1))
    misuse("budget", "set", "alice")
    misuse("budget", "set", "alice", "--type", "weekly")
    assert run_in_reading(limits, alice.id) == Limits()


def test_a_budget_is_shown_with_what_was_spent(alice: Account, gateway: Gateway) -> None:
    send(gateway, report(requested_at=utc_now()), now=utc_now())
    succeed("budget", "set", "alice", "--daily", "160", "--total", "100")
    shown = [row[:6] + row[7:] for row in rows(succeed("budget", "show", "alice"))]
    assert shown == [
        ["Today", "120", "160", "40", "75.0 %", "Warning", "Subscription"],
        ["This month", "120", "∞", "∞", "–", "No limit", "Subscription"],
        ["Total", "120", "100", "0", "120.0 %", "Used up", "Subscription"],
    ]


def test_default_budgets_are_set_listed_and_removed(db: Database) -> None:
    succeed("budget", "default", "user", "--daily", "1_000", "--monthly", "20000")
    succeed("budget", "default", "user", "--daily", "none")
    shown = rows(succeed("budget", "default"))
    assert shown == [
        ["user", "daily none, monthly 20,000, total none, subscription"],
        ["expert", "none"],
        ["admin", "none"],
    ]
    limits = {"daily": None, "monthly": 20000, "total": None, "type": "subscription"}
    assert json.loads(succeed("budget", "default", "user", "--json")) == [{"role": "user", "limits": limits}]
    assert rows(succeed("budget", "default", "user", "--none")) == [["user", "none"]]


@pytest.mark.parametrize(
    "words", [("--daily", "1"), ("user", "--daily", "1", "--none"), ("boss",), ("--none",), ("user", "--daily", "1.5")]
)
def test_default_budget_in_wrong_usage_changes_nothing(db: Database, words: tuple[str, ...]) -> None:
    misuse("budget", "default", *words)
    assert {row[1] for row in rows(succeed("budget", "default"))} == {"none"}


def test_allowance_is_granted_listed_and_ended(alice: Account, bob: Account) -> None:
    succeed("budget", "set", "alice", "--daily", "100")
    words = ("budget", "allow", "alice", "--period", "daily", "--tokens", "50", "--reason", "A demo")
    assert "50 more tokens (daily) until" in succeed(*words)
    (listed,) = json.loads(succeed("budget", "allowances", "--json"))
    assert (listed["username"], listed["tokens"], listed["state"]) == ("alice", 50, "in_force")
    assert rows(succeed("budget", "show", "alice"))[0][2] == "150"
    assert json.loads(succeed("budget", "allowances", "bob", "--json")) == []
    succeed("budget", "end", str(listed["id"]))
    assert [row[4] for row in rows(succeed("budget", "allowances", "ALICE@example.org"))] == ["ended"]
    assert "ended already" in fail("budget", "end", str(listed["id"]))


def test_allowance_in_wrong_form_is_refused(alice: Account) -> None:
    succeed("budget", "set", "alice", "--daily", "100")
    words = ("budget", "allow", "alice", "--reason", "A demo")
    misuse(*words, "--period", "weekly", "--tokens", "5")
    misuse(*words, "--period", "daily", "--tokens", "5.5")
    misuse(*words, "--period", "daily", "--tokens", "5", "--until", "tomorrow")
    assert "in the future" in fail(*words, "--period", "daily", "--tokens", "5", "--until", "2020-01-01")
    assert "no limit" in fail(*words, "--period", "total", "--tokens", "5")
    assert json.loads(succeed("budget", "allowances", "--json")) == []
