"""Sums: lifetime, month, models and days, and the price in force."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from portal.actions.spending.alerts import change_alerts
from portal.actions.spending.prices import enter_price
from portal.db.spending.alerts import AlertSettings
from portal.db.tables import Account
from portal.rules.metering.figures import Figures
from portal.rules.periods import DayRange
from portal.rules.spending.prices import Price
from portal.rules.spending.pricing import FIRST_PRICE
from portal.views.spending.billing import load_billing
from portal.views.spending.summary import load_summary
from tests.cast import NOW, OPERATOR, Gateway, acting, report, run, send

DAY = timedelta(days=1)


def test_models_are_those_of_thirty_days_and_bars_of_fourteen(alice: Account, gateway: Gateway) -> None:
    send(
        gateway,
        report("r-1", model="today"),
        report("r-2", model="13 days ago", requested_at=datetime(2026, 11, 9, tzinfo=UTC)),
        report("r-3", model="14 days ago", requested_at=datetime(2026, 11, 8, 23, 59, 59, 999999, tzinfo=UTC)),
        report("r-4", model="29 days ago", requested_at=datetime(2026, 10, 24, tzinfo=UTC)),
        report("r-5", model="30 days ago", requested_at=datetime(2026, 10, 23, 23, 59, 59, 999999, tzinfo=UTC)),
    )
    view = run(load_summary, alice.id, NOW)
    assert view.model_days == DayRange(date(2026, 10, 24), date(2026, 11, 22))
    assert {row.model for row in view.by_model} == {"today", "13 days ago", "14 days ago", "29 days ago"}
    assert [bar.day for bar in view.daily] == [date(2026, 11, 9) + n * DAY for n in range(14)]
    assert [bar.figures.requests for bar in view.daily] == [1, *[0] * 12, 1]
    assert (view.total.requests, view.month.requests) == (5, 3)
    assert view.since == date(2026, 10, 23)


def test_without_usage_there_are_zeros_and_no_models(alice: Account, gateway: Gateway, charlie: Account) -> None:
    send(gateway, report())
    view = run(load_summary, charlie.id, NOW)
    assert (view.total, view.month, view.by_model, view.since) == (Figures(), Figures(), (), None)
    assert {bar.figures for bar in view.daily} == {Figures()}
    assert len(view.daily) == 14


def test_the_price_is_the_one_in_force(alice: Account) -> None:
    tomorrow = NOW + DAY
    run(enter_price, OPERATOR, Decimal("0.00003"), tomorrow, NOW)
    assert run(load_summary, alice.id, NOW).price == Price(FIRST_PRICE, None)
    assert run(load_summary, alice.id, tomorrow).price == Price(Decimal("0.00003"), tomorrow)


def test_billing_has_ones_own_alert_settings(alice: Account, bob: Account) -> None:
    run(change_alerts, acting(alice), True, 50, "ops@example.org", NOW)
    assert run(load_billing, alice.id, NOW).alerts == AlertSettings(True, 50, "ops@example.org")
    assert run(load_billing, bob.id, NOW).alerts == AlertSettings()
