"""Extra tokens: everything that shows or decides something has the same limit."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from portal.actions.people.deletion import delete_account
from portal.actions.people.keys import NewKey
from portal.actions.spending.alerts import change_alerts
from portal.actions.spending.allowances import end_allowance, grant_allowance
from portal.actions.spending.authorization import AuthorizationRequest, authorize
from portal.actions.spending.budgets import change_budget, set_budget
from portal.db.spending.budgets import limits, limits_in_force
from portal.db.spending.crossings import crossings
from portal.db.tables import Account
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.rules.people.secrets import digest
from portal.rules.periods import Period
from portal.rules.spending.allowances import AllowanceState, Extra, NewAllowance
from portal.rules.spending.authorization import Decision
from portal.rules.spending.budgets import MAX_LIMIT, BudgetType, Limits
from portal.views.bell import load_bell
from portal.views.spending.allowances import load_allowances, load_running_allowances
from portal.views.spending.budget import load_budgets, with_outlooks
from tests.cast import NOW, OPERATOR, Gateway, acting, audit_log, report, run, send
from tests.queries import entries

MOMENT = timedelta(microseconds=1)
END = NOW + timedelta(hours=2)
SPARE = NewAllowance(Period.DAILY, 500, "A demonstration", END)


def use(gateway: Gateway, tokens: int, id: str = "r-1", at: datetime = NOW) -> None:
    send(gateway, report(id, prompt_tokens=tokens, completion_tokens=0, requested_at=at), now=at)


def asked(gateway: Gateway, key: NewKey, now: datetime) -> Decision:
    return authorize(AuthorizationRequest(gateway.token, digest(key.secret)), now).decision


def crossed(account: Account) -> list[tuple[int | None, int]]:
    return [(row.threshold, row.limit) for row in reversed(run(crossings, account.id, 100))]


@pytest.fixture
def limited(alice: Account) -> Account:
    """Alice, who may use 1,000 tokens a day."""
    run(set_budget, OPERATOR, alice.id, Limits(daily=1000), NOW)
    return alice


def test_cards_authorization_and_alerts_have_one_limit(
    limited: Account, bob: Account, alices_key: NewKey, gateway: Gateway
) -> None:
    run(set_budget, OPERATOR, bob.id, Limits(daily=1000), NOW)
    run(grant_allowance, OPERATOR, limited.id, SPARE, NOW)
    run(grant_allowance, OPERATOR, limited.id, replace(SPARE, tokens=100, ends_at=END + MOMENT), NOW)
    use(gateway, 1200)
    daily = run(load_budgets, limited.id, NOW).daily
    assert (daily.budget.limit, daily.budget.remaining, daily.extra) == (1600, 400, Extra(600, END))
    assert asked(gateway, alices_key, NOW).remaining[Period.DAILY] == 400
    assert crossed(limited) == []
    use(gateway, 100, "r-2")
    assert crossed(limited) == [(80, 1600)]
    assert [row.is_same_limit for row in run(load_bell, limited.id, NOW).crossings] == [True]
    assert run(limits_in_force, limited.id, NOW) == Limits(daily=1600)
    assert run(limits, limited.id) == Limits(daily=1000), "what is set stays what it was"
    assert run(load_budgets, bob.id, NOW).daily.budget.limit == 1000


def test_its_end_is_the_first_instant_without_it(limited: Account, alices_key: NewKey, gateway: Gateway) -> None:
    run(grant_allowance, OPERATOR, limited.id, SPARE, NOW)
    use(gateway, 1200)
    for now, limit in ((END - MOMENT, 1500), (END, 1000)):
        assert run(load_budgets, limited.id, now).daily.budget.limit == limit
        assert asked(gateway, alices_key, now).is_allowed is (limit == 1500)
    assert run(load_budgets, limited.id, END).daily.extra is None


def test_of_a_one_time_budget_only_the_total_gets_more(alice: Account) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(1, 2, 1000, BudgetType.ONE_TIME), NOW)
    with pytest.raises(InvalidInput) as caught:
        run(grant_allowance, OPERATOR, alice.id, SPARE, NOW)
    assert caught.value.field == "period"
    run(grant_allowance, OPERATOR, alice.id, replace(SPARE, period=Period.TOTAL), NOW)
    view = run(load_budgets, alice.id, NOW)
    assert [(each.budget.limit, each.extra) for each in view.all] == [
        (None, None),
        (None, None),
        (1500, Extra(500, END)),
    ]


def test_forecast_counts_with_the_extra_tokens(limited: Account, gateway: Gateway) -> None:
    use(gateway, 1000)
    run(grant_allowance, OPERATOR, limited.id, SPARE, NOW)
    view = run(lambda session: with_outlooks(session, limited.id, load_budgets(session, limited.id, NOW), NOW))
    assert view.daily.outlook is not None
    assert view.daily.outlook.prospect != "exhausted"


def test_ending_early_takes_the_tokens_away_and_warns(limited: Account, alices_key: NewKey, gateway: Gateway) -> None:
    run(change_alerts, acting(limited), False, 90, None, NOW)
    number = run(grant_allowance, OPERATOR, limited.id, SPARE, NOW)
    use(gateway, 1200)
    assert crossed(limited) == []
    run(end_allowance, OPERATOR, number, NOW + MOMENT)
    assert not asked(gateway, alices_key, NOW + MOMENT).is_allowed
    assert crossed(limited) == [(90, 1000), (100, 1000)]
    with pytest.raises(Conflict, match="ended already"):
        run(end_allowance, OPERATOR, number, NOW + MOMENT)
    (view,) = run(load_allowances, limited.id, NOW + MOMENT)
    assert (view.state, view.granted_by, view.ended_at) == (AllowanceState.ENDED, None, NOW + MOMENT)
    assert [(what, details["allowance"]) for _, what, details in audit_log()[-2:]] == [
        ("allowance.grant", number),
        ("allowance.end", number),
    ]


def test_thresholds_reported_before_are_no_news_after_a_grant(limited: Account, gateway: Gateway) -> None:
    use(gateway, 900)
    assert crossed(limited) == [(80, 1000)]
    run(grant_allowance, OPERATOR, limited.id, replace(SPARE, tokens=100), NOW)
    assert [(row.threshold, row.limit, row.read_at) for row in run(crossings, limited.id, 1)] == [(80, 1100, NOW)]


def test_a_changed_budget_keeps_its_allowances(limited: Account) -> None:
    run(grant_allowance, OPERATOR, limited.id, SPARE, NOW)
    assert run(change_budget, OPERATOR, limited.id, {"daily": 2000}, NOW).daily == 2000
    assert run(limits_in_force, limited.id, NOW).daily == 2500
    assert json.loads(run(entries, limited.id)[0].before or "") == {"daily": 1000}
    run(change_budget, OPERATOR, limited.id, {"daily": None}, NOW)
    assert run(load_budgets, limited.id, NOW).daily.extra is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tokens": 0}, "tokens"),
        ({"tokens": MAX_LIMIT + 1}, "tokens"),
        ({"tokens": 2**70}, "tokens"),
        ({"reason": " "}, "reason"),
        ({"reason": "\ud800"}, "reason"),
        ({"ends_at": NOW}, "ends_at"),
        ({"period": Period.MONTHLY}, "period"),
    ],
)
def test_malformed_allowance_changes_nothing(limited: Account, changes: dict[str, object], field: str) -> None:
    before = audit_log()
    with pytest.raises(InvalidInput) as caught:
        run(grant_allowance, OPERATOR, limited.id, replace(SPARE, **changes), NOW)  # type: ignore[arg-type]  # a field
    assert caught.value.field == field
    assert audit_log() == before
    assert run(load_running_allowances, NOW) == ()


def test_allowances_together_stay_below_the_largest_limit(limited: Account) -> None:
    run(grant_allowance, OPERATOR, limited.id, replace(SPARE, tokens=MAX_LIMIT - 1), NOW)
    with pytest.raises(InvalidInput, match="together"):
        run(grant_allowance, OPERATOR, limited.id, replace(SPARE, tokens=2), NOW)
    assert run(load_budgets, limited.id, NOW).daily.budget.limit == MAX_LIMIT + 999


def test_one_of_two_people_who_end_it_at_once_is_refused(limited: Account) -> None:
    number = run(grant_allowance, OPERATOR, limited.id, SPARE, NOW)

    def end(_: int) -> bool:
        try:
            run(end_allowance, OPERATOR, number, NOW)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(end, range(2))) == [False, True]


def test_only_administrators_grant_and_end(limited: Account, bob: Account, admin: Account) -> None:
    number = run(grant_allowance, acting(admin), limited.id, SPARE, NOW)
    assert [view.granted_by for view in run(load_running_allowances, NOW)] == ["root"]
    for actor in (acting(limited), acting(bob)):
        with pytest.raises(Forbidden):
            run(grant_allowance, actor, limited.id, SPARE, NOW)
        with pytest.raises(Forbidden):
            run(end_allowance, actor, number, NOW)


def test_unknown_or_deleted_account_gets_none(limited: Account) -> None:
    run(grant_allowance, OPERATOR, limited.id, SPARE, NOW)
    with pytest.raises(NotFound):
        run(end_allowance, OPERATOR, 10**6, NOW)
    with pytest.raises(NotFound):
        run(grant_allowance, OPERATOR, 10**6, SPARE, NOW)
    run(delete_account, OPERATOR, limited.id, NOW)
    assert run(load_running_allowances, NOW) == ()
    with pytest.raises(Conflict):
        run(grant_allowance, OPERATOR, limited.id, SPARE, NOW)
