"""Events that could not be counted, and what an administrator does with them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal

import pytest

from portal.actions.metering.held import (
    assign_held,
    assigning,
    dismiss_held,
    dismissing,
    matching_numbers,
    settle_many,
)
from portal.actions.metering.pruning import prune_account
from portal.actions.metering.verification import verify_account
from portal.actions.people.accounts import set_active
from portal.db.metering.events import count_events
from portal.db.metering.held import held_event, held_events
from portal.db.metering.totals import counter
from portal.db.sql.session import run_in_reading
from portal.db.tables import Account
from portal.errors import Conflict, Forbidden, NotFound
from portal.rules.metering.figures import Figures
from portal.rules.metering.held_list import HELD_LIST
from portal.rules.metering.usage import UsageReport
from portal.rules.periods import EPOCH_DAY, Period, zone
from tests.cast import NOW, OPERATOR, Gateway, acting, create_member, id_of, report, results, run, send
from tests.queries import count_held, entries

UTC = zone("UTC")
DAY = timedelta(1)
YESTERDAY = date(2026, 11, 21)


def numbers() -> list[int]:
    return [held.id for held, _ in run_in_reading(held_events)]


def total(account: Account) -> Figures:
    return run(counter, account.id, Period.TOTAL, EPOCH_DAY)


@pytest.fixture
def stray(alice: Account, gateway: Gateway) -> int:
    """An event of yesterday, of an unknown key; its number."""
    send(gateway, report("lost", key_hash="e" * 64, requested_at=NOW - DAY))
    [number] = numbers()
    return number


def test_event_is_assigned_to_the_account_of_an_address(alice: Account, bob: Account, stray: int) -> None:
    run(assign_held, OPERATOR, stray, id_of("Alice@Example.org"), UTC, NOW)
    assert total(alice).requests == 1
    assert total(bob).requests == 0


def test_assigned_event_counts_once_in_its_own_period(alice: Account, gateway: Gateway, stray: int) -> None:
    run(assign_held, OPERATOR, stray, id_of("alice"), UTC, NOW + 40 * DAY)
    assert run(counter, alice.id, Period.DAILY, YESTERDAY).requests == 1
    assert total(alice) == Figures(120, 100, 20, 1, 2_400_000)
    assert run(count_held) == {}
    assert run_in_reading(lambda session: list(verify_account(session, alice.id, UTC))) == []
    (entry,) = (e for e in run(entries, alice.id) if e.action == "held.assign")
    assert entry.actor == str(OPERATOR)


def test_what_was_assigned_is_a_duplicate_when_it_comes_again(gateway: Gateway, alice: Account, stray: int) -> None:
    run(assign_held, OPERATOR, stray, id_of("alice"), UTC, NOW)
    again = report("lost", key_hash="e" * 64, requested_at=NOW - DAY)
    assert results(send(gateway, again)) == ["duplicate"]
    assert total(alice).requests == 1


def test_it_cannot_be_assigned_twice(alice: Account, bob: Account, stray: int) -> None:
    run(assign_held, OPERATOR, stray, id_of("alice"), UTC, NOW)
    with pytest.raises(Conflict, match="settled before"):
        run(assign_held, OPERATOR, stray, id_of("bob"), UTC, NOW)
    assert (total(alice).requests, total(bob).requests) == (1, 0)


def test_of_two_who_assign_it_at_once_one_does(alice: Account, bob: Account, stray: int) -> None:
    def assign(name: str) -> bool:
        try:
            run(assign_held, OPERATOR, stray, id_of(name), UTC, NOW)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(assign, ["alice", "bob"])) == [False, True]
    assert total(alice).requests + total(bob).requests == 1


def test_an_event_without_an_instant_counts_when_it_was_received(alice: Account, gateway: Gateway) -> None:
    send(gateway, report("lost", username="nobody", requested_at=None), now=NOW - DAY)
    run(assign_held, OPERATOR, numbers()[0], id_of("alice"), UTC, NOW)
    assert run(counter, alice.id, Period.DAILY, YESTERDAY).requests == 1


def test_a_contradiction_can_be_dismissed_and_not_counted(alice: Account, gateway: Gateway) -> None:
    send(gateway, report("r-1"))
    send(gateway, report("r-1", prompt_tokens=999))
    [number] = numbers()
    with pytest.raises(Conflict, match="contradicts"):
        run(assign_held, OPERATOR, number, id_of("alice"), UTC, NOW)
    run(dismiss_held, OPERATOR, number, NOW)
    assert (run(count_held), run(count_events), total(alice).tokens) == ({}, 1, 120)
    kept = run(held_event, number)
    assert kept is not None
    assert kept.resolved_at == NOW


def test_what_an_account_cannot_take_stays_held(alice: Account, gateway: Gateway, stray: int) -> None:
    for number, account_id in ((stray, 10**6), (10**6, alice.id)):
        with pytest.raises(NotFound):
            run(assign_held, OPERATOR, number, account_id, UTC, NOW)
    with pytest.raises(NotFound):
        run(dismiss_held, OPERATOR, 10**6, NOW)
    assert run(count_held) == {"unattributed": 1}


def test_somebody_who_comes_later_can_have_it(gateway: Gateway, stray: int) -> None:
    dora = create_member("dora")
    run(assign_held, OPERATOR, stray, id_of("dora"), UTC, NOW)
    assert total(dora).requests == 1


def test_a_kept_body_is_the_report(gateway: Gateway) -> None:
    reported = report(
        "lost",
        key_hash="e" * 64,
        cached_tokens=3,
        latency_ms=12,
        template="research",
        cost_factor=Decimal("1.50"),
        session_id="s",
    )
    assert UsageReport.of_body(reported.body()).body() == reported.body()


def test_event_assigned_late_is_not_pruned_at_once(alice: Account, stray: int) -> None:
    """Somebody may be storing the same id right now, and must find it."""
    later = NOW + 200 * DAY
    run(assign_held, OPERATOR, stray, id_of("alice"), UTC, later)
    assert run(prune_account, alice.id, later.date(), UTC, later) == 0
    assert run(prune_account, alice.id, later.date(), UTC, later + 2 * DAY) == 1


def test_of_many_each_is_settled_or_named(alice: Account, gateway: Gateway, stray: int) -> None:
    """One of them turns up meanwhile: its gateway sends it again, with a name that is known by now."""
    send(gateway, *(report(f"lost-{number}", username="dora") for number in range(3)))
    dora = create_member("dora")
    found = list(matching_numbers(OPERATOR, HELD_LIST.parse({})))
    send(gateway, report("lost-1", username="dora"))
    done = list(settle_many(found, assigning(OPERATOR, dora.id), lambda: NOW))
    assert [each.number for each in done] == found == sorted(found)
    assert [str(each.problem) for each in done if each.problem] == [
        f"The event held under the number {found[2]} was settled before."
    ]
    assert (total(dora).requests, total(alice).requests, run(count_held)) == (4, 0, {})
    assert run_in_reading(lambda session: list(verify_account(session, dora.id, UTC))) == []


def test_many_stop_when_the_rights_end(admin: Account, stray: int) -> None:
    create_member("other", role="admin")
    settled = settle_many(iter([stray, stray]), dismissing(acting(admin), "x"), lambda: NOW)
    run(set_active, OPERATOR, admin.id, False, NOW)
    with pytest.raises(Forbidden):
        next(settled)
    assert run(count_held) == {"unattributed": 1}
