"""The promise that the numbers tie: card = chart = table = totals = sum of the requests, in any pair of zones."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from portal.actions.metering.verification import verify_account
from portal.actions.spending.prices import enter_price
from portal.db.sql.session import run_in_reading
from portal.db.tables import Account
from portal.rules.metering.figures import Figures, total
from portal.rules.metering.usage import UsageFilter
from portal.rules.periods import last_days, start_of_day
from portal.settings import settings
from portal.views.dashboard import load_dashboard
from portal.views.metering.usage import load_export, load_usage
from portal.views.people.accounts import Viewer
from portal.views.spending.billing import load_billing
from portal.views.spending.summary import load_summary
from tests.cast import NOW, OPERATOR, Gateway, report, run, send, viewer_of

HOUR = timedelta(hours=1)


def send_history(gateway: Gateway, days: int, seed: int) -> None:
    """Report some hundred requests of Alice's and Bob's, many of them around midnights, at changing prices."""
    random = Random(seed)
    zone = settings().budget_zone
    midnights = [start_of_day(day, zone) for day in last_days(days, NOW, zone)]
    run(enter_price, OPERATOR, Decimal("0.0000123"), NOW - timedelta(days=days // 2), NOW)
    instants = [instant for midnight in midnights for instant in around(midnight)]
    reports = [
        report(
            f"r-{n}",
            username=random.choice(["alice", "alice", "bob"]),
            model=random.choice(["qwen3:32b", "gemma3:27b"]),
            mode=random.choice(["native", "moe_reasoning"]),
            status=random.choice(["ok", "ok", "error"]),
            prompt_tokens=random.randrange(10_000),
            completion_tokens=random.randrange(2_000),
            cost_factor=random.choice([None, Decimal("1.3337"), Decimal("0.5")]),
            requested_at=instant,
        )
        for n, instant in enumerate([*instants, *(NOW - random.random() * days * 24 * HOUR for _ in range(200))])
        if instant <= NOW
    ]
    reports.append(report("today", prompt_tokens=1))
    random.shuffle(reports)
    for start in range(0, len(reports), 100):
        send(gateway, *reports[start : start + 100], *reports[:start:17])


def around(midnight: datetime) -> list[datetime]:
    return [midnight - timedelta(microseconds=1), midnight, midnight + HOUR]


def listed(viewer: Viewer, wanted: UsageFilter) -> Figures:
    """Return the totals of the usage history, and make sure that they are those of its rows."""
    totals = run(load_usage, viewer, wanted, NOW).totals
    rows = run_in_reading(lambda session: list(load_export(session, viewer, wanted, NOW)))
    assert totals == total(
        Figures(row.billable_tokens, row.prompt_tokens, row.completion_tokens, 1, row.cost_nano_eur or 0)
        for row in rows
    )
    return totals


@pytest.mark.parametrize(
    ("budget_zone", "own_zone"),
    [
        ("UTC", "UTC"),
        ("UTC", "Asia/Kathmandu"),
        ("Europe/Berlin", "America/Los_Angeles"),
        ("Pacific/Kiritimati", "UTC"),
        ("America/St_Johns", "Europe/Berlin"),
    ],
)
def test_card_chart_table_and_history_agree(
    alice: Account, bob: Account, gateway: Gateway, settings_env, budget_zone: str, own_zone: str
) -> None:
    settings_env(budget_timezone=budget_zone)
    alice.time_zone = own_zone
    viewer = viewer_of(alice)
    send_history(gateway, days=40, seed=len(budget_zone + own_zone))

    dashboard = run(load_dashboard, alice.id, NOW)
    billing = run(load_billing, alice.id, NOW)
    summary = run(load_summary, alice.id, NOW)
    today, first_of_month = dashboard.days[-1].day, dashboard.days[-1].day.replace(day=1)
    budgets = dashboard.budgets
    assert billing.budgets == budgets
    assert billing.summary == summary
    assert summary.daily == dashboard.days

    # today: card = last bar = history of that budget day
    of_today = listed(viewer, UsageFilter(budget_from=today, budget_to=today))
    assert budgets.daily.figures == dashboard.days[-1].figures == of_today
    assert of_today.requests > 0
    # this month: card = summary card = history since the first
    of_month = listed(viewer, UsageFilter(budget_from=first_of_month, budget_to=today))
    assert budgets.monthly.figures == summary.month == of_month
    # total: card = summary card = all of history
    of_all = listed(viewer, UsageFilter(budget_to=today))
    assert budgets.total.figures == summary.total == of_all
    # every bar of the chart leads to its requests
    for bar in dashboard.days:
        assert bar.figures == listed(viewer, UsageFilter(budget_from=bar.day, budget_to=bar.day))
    # so does every row of the model table, and they sum up to the history of these days
    days = summary.model_days
    assert len(days) == 30
    of_models = listed(viewer, UsageFilter(budget_from=days.first, budget_to=days.last))
    assert total(row.figures for row in summary.by_model) == of_models
    for row in summary.by_model:
        assert row.figures == listed(
            viewer, UsageFilter(budget_from=days.first, budget_to=days.last, model=row.model, mode=row.mode)
        )
    # consumed tokens are billable tokens
    for budget in budgets.all:
        assert budget.budget.consumed == budget.figures.tokens
    assert run_in_reading(lambda session: list(verify_account(session, alice.id, settings().budget_zone))) == []


def test_days_of_the_accounts_own_zone_sum_up_too(alice: Account, bob: Account, gateway: Gateway) -> None:
    """From and To are days in Berlin: together they hold every request, each exactly once."""
    send_history(gateway, days=10, seed=1)
    viewer = viewer_of(alice)
    days = last_days(12, NOW, viewer.zone)
    parts = [listed(viewer, UsageFilter(from_day=day, to_day=day)) for day in days]
    assert total(parts) == listed(viewer, UsageFilter(from_day=days.first, to_day=days.last))
    assert total(parts) == run(load_summary, alice.id, NOW).total


def test_ranges_are_nested(alice: Account, bob: Account, gateway: Gateway) -> None:
    send_history(gateway, days=100, seed=2)
    viewer = viewer_of(alice)
    seven, thirty, ninety = (listed(viewer, UsageFilter(range=days)) for days in (7, 30, 90))
    for of_seven, of_thirty, of_ninety in zip(
        seven[:-2], thirty[:-2], ninety[:-2], strict=True
    ):  # none is unpriced or uncounted
        assert 0 < of_seven < of_thirty < of_ninety
    assert thirty.requests < run(load_summary, alice.id, NOW).total.requests


def test_midnight_begins_a_new_bar_and_an_empty_card(alice: Account, gateway: Gateway) -> None:
    send(gateway, report())
    before = run(load_dashboard, alice.id, NOW)
    after = run(load_dashboard, alice.id, datetime(2026, 11, 23, tzinfo=NOW.tzinfo))
    assert before.days[-1].figures.requests == 1
    assert (after.days[-1].day, after.days[-1].figures) == (date(2026, 11, 23), Figures())
    assert after.days[-2] == before.days[-1]
    assert after.budgets.daily.figures == Figures()
    assert after.budgets.monthly.figures == before.budgets.monthly.figures
    december = run(load_dashboard, alice.id, datetime(2026, 12, 1, tzinfo=NOW.tzinfo))
    assert december.budgets.monthly.figures == Figures()
    assert december.budgets.total.figures == before.budgets.total.figures
