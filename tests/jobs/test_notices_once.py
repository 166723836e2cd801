"""Each crossing of the local account is claimed once for a notification."""

from datetime import timedelta

import pytest

from portal.actions.spending.alerts import change_alerts, switch_notices
from portal.actions.spending.budgets import set_budget
from portal.actions.spending.crossings import OLD_NEWS, Notice, claim_notices, is_any_notice_due, read_crossings
from portal.db.spending.alerts import AlertSettings, alert_settings
from portal.db.sql.session import run_in_glance
from portal.db.tables import Account
from portal.rules.periods import Period
from portal.rules.spending.alerts import CrossingKind
from portal.rules.spending.budgets import Limits
from tests.cast import NOW, OPERATOR, Gateway, acting, report, run, send
from tests.desktops import create_local
from tests.queries import entries

SOON = NOW + timedelta(seconds=2)
NEWEST = 10**12
"""More than the number of any crossing; on PostgreSQL numbers go on from one test to the next."""


@pytest.fixture
def local(db: object) -> Account:
    account = create_local()
    run(set_budget, OPERATOR, account.id, Limits(daily=1000), NOW)
    return account


def use(gateway: Gateway, id: str, tokens: int, username: str = "local") -> None:
    send(gateway, report(id, username=username, prompt_tokens=tokens, completion_tokens=0), now=NOW)


def claimed() -> list[tuple[str, int | None]]:
    return [(notice.period, notice.threshold) for notice in run(claim_notices, SOON)]


def test_crossing_is_claimed_once(local: Account, gateway: Gateway) -> None:
    use(gateway, "a", 799)
    assert not run_in_glance(is_any_notice_due, SOON)
    use(gateway, "b", 1)
    assert run_in_glance(is_any_notice_due, SOON)
    assert run(claim_notices, SOON) == [Notice("en", Period.DAILY, CrossingKind.THRESHOLD, 80, 800, 1000)]
    assert not run_in_glance(is_any_notice_due, SOON)
    use(gateway, "c", 1)
    assert claimed() == []
    use(gateway, "d", 300)
    assert claimed() == [(Period.DAILY, 100)]


def test_highest_threshold_crossed_at_once_is_shown(local: Account, gateway: Gateway) -> None:
    run(set_budget, OPERATOR, local.id, Limits(daily=1000, monthly=1000), NOW)
    use(gateway, "a", 1000)
    assert claimed() == [(Period.DAILY, 100), (Period.MONTHLY, 100)]
    assert claimed() == []


def test_crossing_that_was_seen_or_is_old_is_not_claimed(local: Account, gateway: Gateway) -> None:
    use(gateway, "a", 900)
    later = NOW + OLD_NEWS
    assert run_in_glance(is_any_notice_due, later)
    assert not run_in_glance(is_any_notice_due, later + timedelta(seconds=1))
    run(read_crossings, acting(local), NEWEST, NOW)
    assert not run_in_glance(is_any_notice_due, SOON)
    assert claimed() == []


def test_crossing_of_another_account_is_not_claimed(local: Account, bob: Account, gateway: Gateway) -> None:
    run(set_budget, OPERATOR, bob.id, Limits(daily=1000), NOW)
    use(gateway, "a", 1000, username="bob")
    assert not run_in_glance(is_any_notice_due, SOON)
    assert claimed() == []


def test_crossing_while_switched_off_is_never_shown(local: Account, gateway: Gateway) -> None:
    run(switch_notices, acting(local), False, NOW)
    use(gateway, "a", 900)
    assert claimed() == []
    run(switch_notices, acting(local), True, NOW)
    assert claimed() == []
    use(gateway, "b", 100)
    assert claimed() == [(Period.DAILY, 100)]


def test_database_without_a_local_account_has_no_notices(alice: Account) -> None:
    assert not run_in_glance(is_any_notice_due, NOW)
    assert run(claim_notices, NOW) == []


def test_switch_is_stored_with_an_entry_and_kept_by_the_form(local: Account, bob: Account) -> None:
    run(switch_notices, acting(local), False, NOW)
    run(switch_notices, acting(local), False, NOW)
    assert run(alert_settings, local.id) == AlertSettings(on_desktop=False)
    assert run(alert_settings, bob.id).on_desktop
    assert [entry.action for entry in run(entries, local.id)].count("alerts.desktop") == 1
    assert not run(change_alerts, acting(local), False, 50, None, NOW).on_desktop
    assert run(alert_settings, local.id) == AlertSettings(threshold_percent=50, on_desktop=False)
