from datetime import timedelta
from decimal import Decimal

from portal.actions.spending.budgets import set_budget
from portal.actions.spending.crossings import read_crossings
from portal.db.tables import Account
from portal.rules.periods import Period
from portal.rules.spending.budgets import Limits
from portal.views.bell import BellView, load_bell
from tests.cast import NOW, OPERATOR, Gateway, acting, report, run, send


def test_the_bell_shows_the_newest_crossings_first(alice: Account, bob: Account, gateway: Gateway) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(daily=100, monthly=1000), NOW)
    send(gateway, report("a", prompt_tokens=85, completion_tokens=0))
    send(gateway, report("b", prompt_tokens=20, completion_tokens=0))
    view = run(load_bell, alice.id, NOW)
    assert view.unread == 2
    assert [(c.period, c.threshold, c.consumed, c.limit) for c in view.crossings] == [
        (Period.DAILY, 100, 105, 100),
        (Period.DAILY, 80, 85, 100),
    ]
    run(read_crossings, acting(alice), view.crossings[0].id, NOW)
    again = run(load_bell, alice.id, NOW)
    assert (again.unread, [c.is_read for c in again.crossings]) == (0, [True, True])
    assert run(load_bell, bob.id, NOW) == BellView(0, ())


def test_a_crossing_is_shown_beside_what_is_used_now(alice: Account, gateway: Gateway) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(daily=100, total=1000), NOW)
    send(gateway, report("a", prompt_tokens=810, completion_tokens=0))
    send(gateway, report("b", prompt_tokens=129, completion_tokens=0))

    def shown(days: int) -> list[tuple[Period, int | None, Decimal | None, bool]]:
        found = run(load_bell, alice.id, NOW + timedelta(days))
        return [(c.period, c.threshold, c.percent, c.is_same_limit) for c in found.crossings]

    total = (Period.TOTAL, 80, Decimal("93.9"), True)
    assert set(shown(0)) == {
        (Period.DAILY, 80, Decimal("939.0"), True),
        (Period.DAILY, 100, Decimal("939.0"), True),
        total,
    }
    assert set(shown(1)) == {(Period.DAILY, 80, None, True), (Period.DAILY, 100, None, True), total}
    run(set_budget, OPERATOR, alice.id, Limits(total=10_000), NOW)
    assert (Period.TOTAL, 80, Decimal("9.4"), False) in shown(1)
