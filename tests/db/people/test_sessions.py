"""Sessions and wrong passwords."""

from datetime import timedelta

import pytest

from portal.db.people.sessions import (
    SeenSession,
    add_session,
    end_session,
    end_sessions,
    failures,
    forget_failures,
    forget_old,
    has_setup_link,
    replace_setup_link,
    session_of,
    sessions,
    set_failures,
    still_running,
    touch_session,
    use_setup_link,
)
from portal.db.tables import Account
from portal.rules.people.throttling import FORGOTTEN_AFTER, Failures
from tests.cast import NOW, run

HOUR, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)


def begin(account: Account, token_hash: str, *, lasts: timedelta = HOUR) -> int:
    return run(add_session, account.id, token_hash, "Firefox", "127.0.0.1", NOW, lasts).id


def test_a_session_is_found_by_its_token_until_it_expires(alice: Account) -> None:
    begun = begin(alice, "one")
    found = run(session_of, "one", NOW + HOUR - MICROSECOND)
    assert found is not None
    assert (found[0].id, found[1].id) == (begun, alice.id)
    assert run(session_of, "one", NOW + HOUR) is None
    assert run(session_of, "other", NOW) is None
    assert run(session_of, "", NOW) is None


def test_a_suspended_account_has_no_session(alice: Account) -> None:
    begun = begin(alice, "one")

    def suspend(session):
        session.get_one(Account, alice.id).active = False

    run(suspend)
    assert run(session_of, "one", NOW) is None
    assert run(still_running, {SeenSession(begun, None)}, NOW) == set()


def test_sessions_in_use_are_prolonged(alice: Account) -> None:
    begun = begin(alice, "one")
    run(touch_session, begun, NOW + HOUR, 2 * HOUR)
    found = run(session_of, "one", NOW + 2 * HOUR)
    assert found is not None
    assert (found[0].last_seen_at, found[0].expires_at) == (NOW + HOUR, NOW + 3 * HOUR)


def test_own_running_sessions_come_last_used_first(alice: Account, bob: Account) -> None:
    first, second = begin(alice, "one"), begin(alice, "two")
    begin(alice, "over", lasts=timedelta(0))
    bobs = begin(bob, "bob")
    assert [row.id for row in run(sessions, alice.id, NOW)] == [second, first]
    run(touch_session, first, NOW + MICROSECOND, HOUR)
    assert [row.id for row in run(sessions, alice.id, NOW)] == [first, second]
    assert [row.id for row in run(sessions, bob.id, NOW)] == [bobs]


def test_which_sessions_still_run(alice: Account, bob: Account) -> None:
    mine, over, bobs = begin(alice, "one"), begin(alice, "over", lasts=timedelta(0)), begin(bob, "bob")
    seen = {id_: SeenSession(id_, None) for id_ in (mine, over, bobs, 2**62)}
    assert run(still_running, set(seen.values()), NOW) == {seen[mine], seen[bobs]}
    assert run(still_running, {SeenSession(mine, bob.id)}, NOW) == set()
    assert run(still_running, set(), NOW) == set()


def test_ending_one_session_leaves_the_others(alice: Account, bob: Account) -> None:
    for who, token in ((alice, "one"), (alice, "two"), (bob, "bob")):
        begin(who, token)
    run(end_session, "one")
    run(end_session, "one")
    assert run(session_of, "one", NOW) is None
    assert run(session_of, "two", NOW) is not None
    assert run(session_of, "bob", NOW) is not None


def test_ending_all_sessions_but_one(alice: Account, bob: Account) -> None:
    kept = begin(alice, "kept")
    begin(alice, "two")
    begin(alice, "three")
    begin(bob, "bob")
    assert run(end_sessions, alice.id, exclude=kept) == 2
    assert [row.id for row in run(sessions, alice.id, NOW)] == [kept]
    assert run(end_sessions, alice.id) == 1
    assert run(session_of, "bob", NOW) is not None


def test_long_names_of_browsers_are_cut(alice: Account) -> None:
    row = run(add_session, alice.id, "one", "x" * 1000, "y" * 1000, NOW, HOUR)
    assert (len(row.user_agent), len(row.address)) == (200, 64)


def test_wrong_passwords_are_kept_per_scope_and_name(alice: Account) -> None:
    assert run(failures, "account", "alice") is None
    run(set_failures, "account", "alice", Failures(1, NOW))
    run(set_failures, "account", "alice", Failures(2, NOW + HOUR))
    run(set_failures, "address", "alice", Failures(7, NOW))
    assert run(failures, "account", "alice") == Failures(2, NOW + HOUR)
    assert run(failures, "address", "alice") == Failures(7, NOW)
    run(forget_failures, "account", "alice")
    assert run(failures, "account", "alice") is None
    assert run(failures, "address", "alice") == Failures(7, NOW)


@pytest.mark.parametrize("name", ["x" * 1000, "ä" * 256, ""])
def test_any_name_can_fail(alice: Account, name: str) -> None:
    run(set_failures, "account", name, Failures(1, NOW))
    assert run(failures, "account", name) == Failures(1, NOW)
    run(forget_failures, "account", name)
    assert run(failures, "account", name) is None


def test_old_sessions_and_failures_are_forgotten(alice: Account) -> None:
    begin(alice, "over", lasts=timedelta(0))
    begin(alice, "running", lasts=MICROSECOND)
    run(set_failures, "account", "old", Failures(1, NOW - FORGOTTEN_AFTER))
    run(set_failures, "account", "recent", Failures(1, NOW - FORGOTTEN_AFTER + MICROSECOND))
    run(forget_old, NOW)
    assert run(session_of, "over", NOW - MICROSECOND) is None
    assert run(session_of, "running", NOW) is not None
    assert run(failures, "account", "old") is None
    assert run(failures, "account", "recent") is not None


def test_there_is_one_setup_link_and_it_works_once(alice: Account) -> None:
    run(replace_setup_link, "first", NOW)
    run(replace_setup_link, "second", NOW)
    assert not run(has_setup_link, "first")
    assert run(has_setup_link, "second")
    assert not run(use_setup_link, "first")
    assert run(use_setup_link, "second")
    assert not run(use_setup_link, "second")
    assert not run(has_setup_link, "second")
