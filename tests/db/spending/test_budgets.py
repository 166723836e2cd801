"""Limits."""

from portal.db.spending.budgets import limits, set_limits
from portal.db.tables import Account
from portal.rules.spending.budgets import MAX_LIMIT, BudgetType, Limits
from tests.cast import NOW, run


def test_without_limits_an_account_is_unlimited(alice: Account) -> None:
    assert run(limits, alice.id) == Limits(None, None, None, BudgetType.SUBSCRIPTION)


def test_limits_are_replaced_whole(alice: Account, bob: Account) -> None:
    run(set_limits, alice.id, Limits(10, 200, 3000), NOW)
    run(set_limits, bob.id, Limits(1, 2, 3), NOW)
    run(set_limits, alice.id, Limits(0, None, MAX_LIMIT, BudgetType.ONE_TIME), NOW)
    assert run(limits, alice.id) == Limits(0, None, MAX_LIMIT, BudgetType.ONE_TIME)
    assert run(limits, bob.id) == Limits(1, 2, 3)
