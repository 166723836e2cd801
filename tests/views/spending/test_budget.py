"""Budget cards: consumed, limit, level, reset and the days they count."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from sqlalchemy.orm import Session

from portal.actions.people.accounts import set_active
from portal.actions.people.keys import NewKey, create_key, revoke_key
from portal.actions.people.sessions import sign_out
from portal.actions.spending.budgets import set_budget
from portal.db.sql.session import run_in_glance, run_in_reading
from portal.db.tables import Account
from portal.rules.metering.figures import Figures
from portal.rules.people.secrets import API_KEY
from portal.rules.periods import DayRange, Period
from portal.rules.spending.budgets import BudgetType, Level, Limits
from portal.rules.spending.forecast import Outlook, Prospect
from portal.settings import settings
from portal.views.dashboard import load_dashboard
from portal.views.spending import budget as views
from portal.views.spending.billing import load_billing
from portal.views.spending.budget import (
    BudgetsView,
    load_budgets,
    load_key_budgets,
    load_session_budgets,
    with_outlooks,
)
from tests.cast import NOW, OPERATOR, Gateway, acting, report, run, send


def budgets(account: Account, now: datetime = NOW) -> BudgetsView:
    return run(load_budgets, account.id, now)


@pytest.fixture
def used(alice: Account, bob: Account, gateway: Gateway) -> None:
    """Alice: 700 today, 200 more this month, 100 before. Bob: a million."""
    plain = {"completion_tokens": 0}
    send(
        gateway,
        report("r-1", prompt_tokens=700, **plain),
        report("r-2", prompt_tokens=200, requested_at=datetime(2026, 11, 1, tzinfo=UTC), **plain),
        report("r-3", prompt_tokens=100, requested_at=datetime(2026, 10, 31, 23, 59, tzinfo=UTC), **plain),
        report("r-4", prompt_tokens=10**6, username="bob", **plain),
    )


def test_cards_of_a_subscription(used: None, alice: Account) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(1000, 1000, 1000), NOW)
    view = budgets(alice)
    assert view.type is BudgetType.SUBSCRIPTION
    assert [each.period for each in view.all] == [Period.DAILY, Period.MONTHLY, Period.TOTAL]
    assert [each.budget.consumed for each in view.all] == [700, 900, 1000]
    assert [each.budget.limit for each in view.all] == [1000, 1000, 1000]
    assert [each.percent for each in view.all] == [Decimal("70.0"), Decimal("90.0"), Decimal("100.0")]
    assert [each.level for each in view.all] == [Level.WARNING, Level.WARNING, Level.CRITICAL]
    assert [each.resets_at for each in view.all] == [
        datetime(2026, 11, 23, tzinfo=UTC),
        datetime(2026, 12, 1, tzinfo=UTC),
        None,
    ]
    assert [each.days for each in view.all] == [
        DayRange(date(2026, 11, 22), date(2026, 11, 22)),
        DayRange(date(2026, 11, 1), date(2026, 11, 22)),
        DayRange(date(2026, 10, 31), date(2026, 11, 22)),
    ]
    assert view.daily.figures == Figures(700, 700, 0, 1, 14_000_000)
    assert view.daily.elapsed == pytest.approx((14 * 60 + 5) / (24 * 60))
    assert view.total.elapsed is None


def test_of_a_one_time_budget_only_the_total_counts(used: None, alice: Account) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(1, 1, 2000, BudgetType.ONE_TIME), NOW)
    view = budgets(alice)
    assert view.type is BudgetType.ONE_TIME
    assert [each.budget.limit for each in view.all] == [None, None, 2000]
    assert [each.level for each in view.all] == [None, None, Level.NORMAL]
    assert [each.percent for each in view.all] == [None, None, Decimal("50.0")]
    assert [each.resets_at for each in view.all] == [None, None, None]
    assert [each.elapsed for each in view.all] == [None, None, None]
    assert [each.budget.consumed for each in view.all] == [700, 900, 1000]


def test_without_limits_there_is_no_level(used: None, alice: Account) -> None:
    view = budgets(alice)
    assert [(each.budget.limit, each.percent, each.level, each.budget.remaining) for each in view.all] == [
        (None, None, None, None)
    ] * 3
    assert view.daily.resets_at == datetime(2026, 11, 23, tzinfo=UTC)


def test_without_usage_there_are_zeros(used: None, charlie: Account) -> None:
    view = budgets(charlie)
    assert [each.figures for each in view.all] == [Figures()] * 3
    assert view.total.days is None
    assert view.daily.days == DayRange(date(2026, 11, 22), date(2026, 11, 22))


def test_billable_tokens_count_against_limits(alice: Account, gateway: Gateway) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(1000), NOW)
    send(gateway, report(prompt_tokens=500, completion_tokens=100, cost_factor=Decimal("1.5")))
    daily = budgets(alice).daily
    assert (daily.budget.consumed, daily.percent, daily.figures.total_tokens) == (900, Decimal("90.0"), 600)


def test_days_of_cards_are_those_of_the_budget_zone(alice: Account, gateway: Gateway, settings_env) -> None:
    """In Kiritimati tomorrow has begun."""
    settings_env(budget_timezone="Pacific/Kiritimati")
    send(gateway, report("r-1"), report("r-2", requested_at=datetime(2026, 11, 22, 9, 59, tzinfo=UTC)))
    daily = budgets(alice).daily
    assert daily.days == DayRange(date(2026, 11, 23), date(2026, 11, 23))
    assert daily.figures.requests == 1
    assert daily.resets_at == datetime(2026, 11, 23, 10, tzinfo=UTC)


def test_usage_of_a_clock_ahead_counts_tomorrow(alice: Account, gateway: Gateway) -> None:
    late = datetime(2026, 11, 22, 23, 58, tzinfo=UTC)
    send(gateway, report(requested_at=late + timedelta(minutes=4)), now=late)
    assert budgets(alice, late).daily.figures == Figures()
    assert budgets(alice, late).total.days == DayRange(date(2026, 11, 23), date(2026, 11, 23))
    assert budgets(alice, late + timedelta(minutes=4)).daily.figures.requests == 1


def of_session(token: str, now: datetime = NOW) -> BudgetsView | None:
    found = run_in_glance(load_session_budgets, token, now)
    return None if found is None else found.budgets


def of_key(secret: str, now: datetime = NOW) -> BudgetsView | None:
    return run_in_glance(load_key_budgets, secret, now)


@pytest.fixture
def mine(alice: Account, sign_in_as: Callable[[Account], str]) -> str:
    """Alice's session, opened at NOW."""
    with time_machine.travel(NOW, tick=False):
        return sign_in_as(alice)


def test_page_browser_and_program_see_the_same(used: None, alice: Account, mine: str, alices_key: NewKey) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(1000, 1000, 1000), NOW)
    assert of_session(mine) == of_key(alices_key.secret) == budgets(alice)
    assert budgets(alice).total.budget.consumed == 1000


def test_a_session_also_says_when_it_was_last_in_use(mine: str) -> None:
    found = run_in_glance(load_session_budgets, mine, NOW)
    assert found is not None
    assert found.seen_at == NOW


@pytest.mark.parametrize("token", ["", "never given", "x" * 10_000, "\ud800", "\x00", API_KEY + "0" * 48])
def test_other_text_is_nobodys(mine: str, alices_key: NewKey, token: str) -> None:
    assert of_session(token) is of_key(token) is None


def test_what_has_ended_shows_nothing(alice: Account, mine: str, alices_key: NewKey) -> None:
    end = NOW + timedelta(hours=settings().session_hours)
    assert of_session(mine, end - timedelta(microseconds=1)) is not None
    assert of_session(mine, end) is None
    run(sign_out, mine)
    assert of_session(mine) is None
    short = run(create_key, acting(alice), alice.id, "short", NOW + timedelta(hours=1), NOW)
    assert of_key(short.secret, NOW + timedelta(minutes=59)) is not None
    assert of_key(short.secret, NOW + timedelta(hours=1)) is None
    run(revoke_key, acting(alice), alice.id, alices_key.id, NOW)
    assert of_key(alices_key.secret) is None


def test_a_suspended_account_shows_nothing(alice: Account, mine: str, alices_key: NewKey) -> None:
    run(set_active, OPERATOR, alice.id, False, NOW)
    assert of_key(alices_key.secret) is None
    assert of_session(mine) is None


DAY, MONTH, EVER = datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC), None


def outlooks(account: Account, now: datetime = NOW) -> list[Outlook | None]:
    view = run(with_outlooks, account.id, budgets(account, now), now)
    assert [each.outlook for each in run(load_dashboard, account.id, now).budgets.all] == [
        each.outlook for each in run(load_billing, account.id, now).budgets.all
    ]
    assert run(load_dashboard, account.id, now).budgets == view
    return [each.outlook for each in view.all]


@pytest.fixture
def steady(alice: Account, bob: Account, gateway: Gateway) -> None:
    """Alice: 1,440 tokens a day since the 2nd, one in each minute, as it were; 845 today. Bob: a million today."""
    for ago in range(21):
        day = datetime(2026, 11, 22, 12, tzinfo=UTC) - timedelta(ago)
        send(gateway, report(f"r-{ago}", prompt_tokens=1440 if ago else 845, completion_tokens=0, requested_at=day))
    send(gateway, report("b", prompt_tokens=10**6, username="bob"))


def test_each_budget_says_where_it_leads(steady: None, alice: Account) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(850, 100_000, 29_645 + 3 * 1440), NOW)
    daily, monthly, total = outlooks(alice)
    assert daily is not None
    assert total is not None
    assert daily.prospect is Prospect.LASTS_UNTIL
    assert daily.ends_early
    assert daily.until is not None
    assert NOW < daily.until < DAY
    assert monthly == Outlook(Prospect.ENOUGH, None, MONTH)
    assert total.prospect is Prospect.LASTS_UNTIL
    assert total.ends_early
    assert total.until is not None
    assert total.until.date() == date(2026, 11, 25)


def test_of_a_one_time_budget_only_the_total_leads_anywhere(steady: None, alice: Account) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(1, 1, 10**6, BudgetType.ONE_TIME), NOW)
    assert outlooks(alice) == [
        Outlook(Prospect.NO_LIMIT, None, DAY),
        Outlook(Prospect.NO_LIMIT, None, MONTH),
        Outlook(Prospect.ENOUGH, None, EVER),
    ]


def test_what_is_used_up_leads_nowhere(steady: None, alice: Account) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(845, 0, 10), NOW)
    assert [each and each.prospect for each in outlooks(alice)] == [Prospect.EXHAUSTED] * 3


def used_up_at(account: Account, now: datetime = NOW) -> list[datetime | None]:
    def load(session: Session) -> list[datetime | None]:
        budgets = views.load_budgets(session, account.id, now)
        return [view.used_up_at for view in views.with_outlooks(session, account.id, budgets, now).all]

    return run_in_reading(load)


def test_used_up_time_is_that_of_the_present_limit(alice: Account, bob: Account, gateway: Gateway) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(daily=120, monthly=10**6), NOW)
    run(set_budget, OPERATOR, bob.id, Limits(daily=1), NOW)
    send(gateway, report("b-1", username="bob"), now=NOW - timedelta(hours=1))
    send(gateway, report("a-1"))
    send(gateway, report("a-2"), now=NOW + timedelta(minutes=1))
    assert used_up_at(alice) == [NOW, None, None]
    lowered_at = NOW + timedelta(minutes=2)
    run(set_budget, OPERATOR, alice.id, Limits(daily=100), lowered_at)
    assert used_up_at(alice, lowered_at) == [lowered_at, None, None]
    run(set_budget, OPERATOR, alice.id, Limits(daily=10**6), lowered_at)
    assert used_up_at(alice, lowered_at) == [None, None, None]
    assert used_up_at(alice, NOW + timedelta(days=1)) == [None, None, None]


@pytest.mark.parametrize(("days", "expected"), [(6, Prospect.TOO_LITTLE_DATA), (7, Prospect.ENOUGH)])
def test_a_week_is_needed(alice: Account, gateway: Gateway, days: int, expected: Prospect) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(10**9), NOW)
    send(gateway, *(report(f"r-{ago}", requested_at=NOW - timedelta(ago)) for ago in range(days + 1)))
    assert outlooks(alice)[0] == Outlook(expected, None, DAY)


def test_who_has_used_nothing_yet_has_too_little_data(used: None, charlie: Account) -> None:
    run(set_budget, OPERATOR, charlie.id, Limits(1, 1, 1), NOW)
    assert [each and each.prospect for each in outlooks(charlie)] == [Prospect.TOO_LITTLE_DATA] * 3


def test_no_history_is_read_without_limits(steady: None, alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(views, "tokens_by_day")
    monkeypatch.delattr(views, "tokens_by_hour")
    assert [each and each.prospect for each in outlooks(alice)] == [Prospect.NO_LIMIT] * 3
    run(set_budget, OPERATOR, alice.id, Limits(1000), NOW)
    assert [each.outlook for each in budgets(alice).all] == [None] * 3
