from portal.actions.administration import set_budget
from portal.actions.crossings import read_crossings
from portal.db.tables import Account
from portal.rules.budgets import Limits
from portal.rules.periods import Period
from portal.views.crossings import BellView, load_bell
from tests.cast import NOW, Gateway, report, run, send


def test_the_bell_shows_the_newest_crossings_first(alice: Account, bob: Account, gateway: Gateway) -> None:
    run(set_budget, "test", "alice", Limits(daily=100, monthly=1000), NOW)
    send(gateway, report("a", prompt_tokens=85, completion_tokens=0))
    send(gateway, report("b", prompt_tokens=20, completion_tokens=0))
    view = run(load_bell, alice.id)
    assert view.unread == 2
    assert [(c.period, c.threshold, c.consumed, c.limit) for c in view.crossings] == [
        (Period.DAILY, 100, 105, 100),
        (Period.DAILY, 80, 85, 100),
    ]
    run(read_crossings, alice.id, view.crossings[0].id, NOW)
    again = run(load_bell, alice.id)
    assert (again.unread, [c.is_read for c in again.crossings]) == (0, [True, True])
    assert run(load_bell, bob.id) == BellView(0, ())
