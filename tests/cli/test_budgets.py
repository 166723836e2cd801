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
