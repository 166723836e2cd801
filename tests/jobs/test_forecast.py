from datetime import timedelta

import pytest

from portal.actions.people.accounts import set_active
from portal.actions.spending.alerts import change_alerts
from portal.actions.spending.allowances import grant_allowance
from portal.actions.spending.budgets import set_budget
from portal.db.spending.crossings import crossings
from portal.db.tables import Account
from portal.jobs.forecast import warn_all
from portal.rules.periods import Period
from portal.rules.spending.alerts import CrossingKind
from portal.rules.spending.allowances import NewAllowance
from portal.rules.spending.budgets import Limits
from tests.cast import NOW, OPERATOR, Gateway, acting, report, run, send

DAYS = 28


@pytest.fixture
def steady(alice: Account, bob: Account, gateway: Gateway) -> None:
    """Alice and Bob use 1,000 tokens every day; the month began three weeks ago."""
    for account in (alice, bob):
        for days in range(DAYS):
            at = NOW - timedelta(days=days)
            name = account.username
            send(
                gateway,
                report(f"{name}-{days}", username=name, prompt_tokens=1000, completion_tokens=0, requested_at=at),
            )


def warned(account: Account) -> list[tuple[str, str]]:
    return [(row.period, row.kind) for row in run(crossings, account.id, 10)]


def wants(account: Account, *, monthly: int, forecast: bool = True) -> None:
    run(change_alerts, acting(account), True, 100, None, NOW, forecast=forecast)
    run(set_budget, OPERATOR, account.id, Limits(monthly=monthly), NOW)


def test_who_will_run_out_before_the_month_does_is_warned_once(steady: None, alice: Account) -> None:
    wants(alice, monthly=25_000)
    assert warn_all(NOW) == 1
    assert warn_all(NOW + timedelta(hours=1)) == 1
    assert warned(alice) == [("monthly", CrossingKind.FORECAST)]


@pytest.mark.parametrize(
    ("monthly", "forecast"),
    [
        pytest.param(40_000, True, id="it lasts"),
        pytest.param(25_000, False, id="they do not want to know"),
        pytest.param(20_000, True, id="it is exhausted already"),
    ],
)
def test_who_need_not_is_not(steady: None, alice: Account, monthly: int, forecast: bool) -> None:
    wants(alice, monthly=monthly, forecast=forecast)
    warn_all(NOW)
    assert ("monthly", CrossingKind.FORECAST) not in warned(alice)


def test_another_account_and_a_suspended_one_hear_nothing(steady: None, alice: Account, bob: Account) -> None:
    for account in (alice, bob):
        wants(account, monthly=25_000)
    run(set_active, OPERATOR, alice.id, False, NOW)
    assert warn_all(NOW) == 1
    assert (warned(alice), warned(bob)) == ([], [("monthly", CrossingKind.FORECAST)])


def test_end_of_an_allowance_warns_without_another_request(alice: Account, gateway: Gateway) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(daily=1000), NOW)
    end = NOW + timedelta(minutes=30)
    run(grant_allowance, OPERATOR, alice.id, NewAllowance(Period.DAILY, 1000, "A test", end), NOW)
    send(gateway, report(prompt_tokens=1100))
    warn_all(end - timedelta(seconds=1))
    assert warned(alice) == []
    warn_all(end)
    warn_all(end + timedelta(minutes=15))
    assert warned(alice) == [("daily", CrossingKind.THRESHOLD)] * 2
