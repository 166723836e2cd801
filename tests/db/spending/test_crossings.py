"""Crossings are stored once: a threshold and a forecast, for each account, period and limit."""

from datetime import date, timedelta

import pytest

from portal.db.spending.crossings import KnownCrossing, NewCrossing, add_crossing, crossings, known_crossings
from portal.db.tables import Account
from portal.rules.periods import Period
from portal.rules.spending.alerts import CrossingKind
from tests.cast import NOW, run

MONTH = date(2026, 11, 1)
FORECAST = CrossingKind.FORECAST, None
AT_80 = CrossingKind.THRESHOLD, 80
AT_100 = CrossingKind.THRESHOLD, 100


def add(account: Account, kind: tuple[CrossingKind, int | None], limit: int = 100, start: date = MONTH) -> bool:
    """Store a crossing; return whether it is a new one."""
    return run(add_crossing, NewCrossing(account.id, Period.MONTHLY, start, *kind, 80, limit), NOW) is not None


@pytest.mark.parametrize("kind", [pytest.param(FORECAST, id="forecast"), pytest.param(AT_80, id="threshold")])
def test_crossing_is_stored_once(alice: Account, bob: Account, kind: tuple[CrossingKind, int | None]) -> None:
    assert add(alice, kind)
    assert not add(alice, kind)
    assert add(alice, kind, limit=200)
    assert add(alice, kind, start=MONTH - timedelta(1))
    assert add(bob, kind)
    assert len(run(crossings, alice.id, 10)) == 3


def test_forecast_and_thresholds_do_not_exclude_each_other(alice: Account) -> None:
    assert [add(alice, kind) for kind in (AT_80, FORECAST, AT_100)] == [True] * 3
    assert [(row.kind, row.threshold) for row in run(crossings, alice.id, 10)] == [AT_100, FORECAST, AT_80]


def test_known_crossings_are_thresholds_of_current_periods(alice: Account, bob: Account) -> None:
    for kind in (AT_80, FORECAST):
        add(alice, kind)
        add(alice, kind, start=date(2026, 10, 1))
        add(bob, kind)
    known = run(known_crossings, [alice.id], NOW.date())
    assert known == {KnownCrossing(alice.id, Period.MONTHLY, 80, 100)}
