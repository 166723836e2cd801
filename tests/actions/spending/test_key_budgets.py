"""Limits of API keys, set by their owners and by administrators."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from portal.actions.people.accounts import set_active
from portal.actions.people.deletion import delete_account
from portal.actions.people.keys import NewKey, revoke_key
from portal.actions.spending.budgets import change_key_budget, set_key_budget
from portal.db.spending.budgets import key_limits
from portal.db.tables import Account, KeyBudget
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound, NotSignedIn, OnlyLooking
from portal.rules.people.actors import Actor, Means
from portal.rules.people.secrets import digest
from portal.rules.periods import Period
from portal.rules.spending.budgets import MAX_LIMIT, Level, Limits
from portal.views.people.keys import KeyPeriod, load_active_keys, load_keys
from tests.cast import NOW, OPERATOR, Gateway, acting, audit_log, create_member, report, run, send

LIMITS = Limits(100, 2000, 30_000)


@pytest.fixture
def administrator(quick_passwords: None) -> Account:
    return create_member("ada", role="admin")


@pytest.mark.parametrize("who", ["owner", "administrator", "operator"])
def test_owner_and_administrators_set_the_budget(
    who: str, alice: Account, alices_key: NewKey, administrator: Account
) -> None:
    actor = {"owner": acting(alice), "administrator": acting(administrator), "operator": OPERATOR}[who]
    run(set_key_budget, actor, alice.id, alices_key.id, LIMITS, NOW)
    assert run(key_limits, alices_key.id) == LIMITS
    name, action, values = audit_log()[-1]
    assert (name, action) == (str(actor), "key.budget")
    assert values == {"daily": 100, "monthly": 2000, "total": 30_000}


def test_change_keeps_the_other_limits_of_a_key(alice: Account, alices_key: NewKey) -> None:
    run(set_key_budget, acting(alice), alice.id, alices_key.id, LIMITS, NOW)
    changed = run(change_key_budget, acting(alice), alice.id, alices_key.id, {"daily": None, "total": 0}, NOW)
    assert changed == run(key_limits, alices_key.id) == Limits(None, 2000, 0)


def test_key_without_limits_has_no_budget(alice: Account, alices_key: NewKey) -> None:
    run(set_key_budget, acting(alice), alice.id, alices_key.id, LIMITS, NOW)
    run(set_key_budget, acting(alice), alice.id, alices_key.id, Limits(), NOW)
    assert run(lambda session: session.query(KeyBudget).count()) == 0
    assert run(load_keys, alice.id, NOW).keys[0].budget is None


@pytest.mark.parametrize("field", ["daily", "monthly", "total"])
@pytest.mark.parametrize("limit", [-1, MAX_LIMIT + 1, 2**70])
def test_limit_of_a_key_out_of_bounds_changes_nothing(
    alice: Account, alices_key: NewKey, field: str, limit: int
) -> None:
    run(set_key_budget, acting(alice), alice.id, alices_key.id, LIMITS, NOW)
    wrong = replace(Limits(4, 5, 6), **{field: limit})  # type: ignore[arg-type]  # a limit
    with pytest.raises(InvalidInput) as caught:
        run(set_key_budget, acting(alice), alice.id, alices_key.id, wrong, NOW)
    assert caught.value.field == field
    assert run(key_limits, alices_key.id) == LIMITS


def _of_another(alice: Account, bob: Account, key: NewKey) -> tuple[Actor, int, int]:
    return acting(bob), alice.id, key.id


def _of_the_wrong_account(alice: Account, bob: Account, key: NewKey) -> tuple[Actor, int, int]:
    return acting(bob), bob.id, key.id


def _unknown(alice: Account, bob: Account, key: NewKey) -> tuple[Actor, int, int]:
    return acting(alice), alice.id, key.id + 1000


def _as_somebody(alice: Account, bob: Account, key: NewKey) -> tuple[Actor, int, int]:
    return replace(acting(alice), means=Means.ACTING), alice.id, key.id


def _suspended(alice: Account, bob: Account, key: NewKey) -> tuple[Actor, int, int]:
    run(set_active, OPERATOR, alice.id, False, NOW)
    return acting(alice), alice.id, key.id


def _revoked(alice: Account, bob: Account, key: NewKey) -> tuple[Actor, int, int]:
    run(revoke_key, acting(alice), alice.id, key.id, NOW)
    return acting(alice), alice.id, key.id


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (_of_another, Forbidden),
        (_of_the_wrong_account, NotFound),
        (_unknown, NotFound),
        (_as_somebody, OnlyLooking),
        (_suspended, NotSignedIn),
        (_revoked, Conflict),
    ],
)
def test_budget_of_a_key_is_refused(
    given: Callable[[Account, Account, NewKey], tuple[Actor, int, int]],
    error: type[Exception],
    alice: Account,
    bob: Account,
    alices_key: NewKey,
) -> None:
    question = given(alice, bob, alices_key)
    before = audit_log()
    with pytest.raises(error):
        run(set_key_budget, *question, LIMITS, NOW)
    assert run(key_limits, alices_key.id) == Limits()
    assert audit_log() == before


def test_view_has_the_figures_of_the_key(
    alice: Account, bob: Account, alices_key: NewKey, bobs_key: NewKey, gateway: Gateway
) -> None:
    run(set_key_budget, acting(alice), alice.id, alices_key.id, Limits(daily=100, total=0), NOW)
    run(set_key_budget, acting(bob), bob.id, bobs_key.id, Limits(monthly=9), NOW)
    for name, key in (("a", alices_key), ("b", bobs_key)):
        send(gateway, report(name, key_hash=digest(key.secret), prompt_tokens=75, completion_tokens=0))
    send(gateway, report("without", prompt_tokens=1000))
    [view] = run(load_keys, alice.id, NOW).keys
    assert view.budget is not None
    tomorrow = NOW.replace(day=23, hour=0, minute=0)
    assert view.budget.daily == KeyPeriod(100, 75, 25, 75.0, Level.WARNING, tomorrow)
    assert view.budget.monthly == KeyPeriod(None, 75, None, None, None, None)
    assert view.budget.total == KeyPeriod(0, 75, 0, 100.0, Level.CRITICAL, None)
    period, fullest = view.budget.fullest()
    assert (period, fullest.limit, fullest.consumed) == (Period.TOTAL, 0, 75)
    assert run(load_active_keys, alice.id, NOW) == (view,)


def test_deleted_account_leaves_no_budget_of_a_key(
    alice: Account, bob: Account, alices_key: NewKey, bobs_key: NewKey
) -> None:
    for account, key in ((alice, alices_key), (bob, bobs_key)):
        run(set_key_budget, acting(account), account.id, key.id, LIMITS, NOW)
    run(delete_account, OPERATOR, alice.id, NOW)
    assert run(lambda session: [row.api_key_id for row in session.query(KeyBudget)]) == [bobs_key.id]
