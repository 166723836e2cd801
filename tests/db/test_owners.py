"""Whose reported usage is."""

from datetime import timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from portal.db.budgets import set_limits
from portal.db.counters import add_to_counters
from portal.db.keys import add_key, note_last_use
from portal.db.owners import Owner, owners_by_key, owners_by_name
from portal.db.tables import Account
from portal.db.templates import save_template
from portal.rules.budgets import Limits
from portal.rules.figures import Figures
from portal.rules.ledger import CounterKey
from portal.rules.periods import EPOCH_DAY, Period
from tests.cast import NOW, run

USED = Figures(7, 3, 4, 7, 1, 140_000)


def test_a_key_leads_to_its_account_even_when_it_has_ended(alice: Account, bob: Account) -> None:
    works = run(add_key, alice.id, "works", "mp-1", "laptop", None, NOW).id
    over = run(add_key, bob.id, "over", "mp-2", "server", NOW - timedelta(days=1), NOW).id
    run(note_last_use, {works: NOW})
    assert run(owners_by_key, ["works", "over", "unknown"]) == {
        "works": Owner(alice.id, works, NOW, None, False, Figures()),
        "over": Owner(bob.id, over, None, None, False, Figures()),
    }


def test_a_name_leads_to_its_account_without_a_key(alice: Account, bob: Account) -> None:
    assert run(owners_by_name, ["alice", "nobody"]) == {"alice": Owner(alice.id, None, None, None, False, Figures())}


def test_an_owner_tells_whether_there_is_a_budget_to_watch(alice: Account, bob: Account) -> None:
    run(set_limits, alice.id, Limits(daily=10), NOW)
    found = run(owners_by_name, ["alice", "bob"])
    assert (found["alice"].has_budget, found["bob"].has_budget) == (True, False)


def test_an_owner_comes_with_the_factor_of_the_template_and_all_that_was_used(alice: Account, bob: Account) -> None:
    def assign(session: Session) -> None:
        research = save_template(session, "research", Decimal("1.5"), [], NOW)
        session.get_one(Account, alice.id).template_id = research.id

    run(assign)
    total, today = CounterKey(alice.id, Period.TOTAL, EPOCH_DAY), CounterKey(alice.id, Period.DAILY, NOW.date())
    run(add_to_counters, {total: USED, today: USED})
    found = run(owners_by_name, ["alice", "bob"])
    assert (found["alice"].cost_factor, found["alice"].lifetime) == (Decimal("1.5"), USED)
    assert (found["bob"].cost_factor, found["bob"].lifetime) == (None, Figures())


def test_nobody_is_asked_about(alice: Account) -> None:
    assert run(owners_by_key, []) == run(owners_by_name, set()) == {}
