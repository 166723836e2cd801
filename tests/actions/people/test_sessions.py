"""Signing in and out, and limits on guessing passwords."""

from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Barrier, BrokenBarrierError
from typing import Any

import bcrypt
import pytest

from portal.actions.people import sessions
from portal.actions.people.accounts import set_active, set_password
from portal.actions.people.sessions import (
    TOUCHED_EVERY,
    Browser,
    SignIn,
    end_one_session,
    keep_alive,
    lifetime,
    open_session_for,
    sign_in,
    sign_out,
    sign_out_everywhere,
    sign_out_others,
    unlock_sign_in,
)
from portal.db.people.sessions import failures, session_of
from portal.db.people.sessions import sessions as sessions_of
from portal.db.sql.session import Database, open_database
from portal.db.tables import Account
from portal.errors import NotFound, TooManyTries, WrongCredentials
from portal.rules.people.secrets import digest
from portal.rules.people.throttling import FREE_TRIES
from tests.actions.conftest import QUICK
from tests.cast import NOW, OPERATOR, PASSWORD, acting, audit_log, create_member, run
from tests.queries import entries

FIREFOX = Browser("Firefox", "192.0.2.1")
SECOND = timedelta(seconds=1)


def enter(username: str = "alice", password: str = PASSWORD, browser: Browser = FIREFOX, now: datetime = NOW) -> SignIn:
    return sign_in(username, password, browser, None, now)


def fail(times: int, username: str = "alice", browser: Browser = FIREFOX, now: datetime = NOW) -> None:
    for _ in range(times):
        with pytest.raises(WrongCredentials):
            enter(username, "a wrong password", browser, now)


def is_open(signed_in: SignIn, now: datetime = NOW) -> bool:
    return run(session_of, digest(signed_in.token), now) is not None


def test_name_and_password_open_a_session(alice: Account) -> None:
    signed_in = enter()
    assert signed_in.account_id == alice.id
    (row,) = run(sessions_of, alice.id, NOW)
    assert (row.token_hash, row.user_agent, row.address) == (digest(signed_in.token), "Firefox", "192.0.2.1")
    assert (row.created_at, row.last_seen_at, row.expires_at) == (NOW, NOW, NOW + lifetime())
    (entry,) = run(entries, alice.id)
    assert (entry.actor, entry.action, entry.at) == ("alice", "session.open", NOW)
    assert signed_in.token not in entry.details + row.token_hash


def test_every_session_has_a_token_of_its_own(alice: Account) -> None:
    assert len({enter().token for _ in range(10)}) == 10


@pytest.mark.parametrize("name", ["Alice", "  alice ", "ALICE"])
def test_names_are_read_kindly(alice: Account, name: str) -> None:
    assert enter(name).account_id == alice.id


@pytest.mark.parametrize(
    ("username", "password"),
    [
        pytest.param("alice", "a wrong password", id="a wrong password"),
        pytest.param("alice", "", id="no password"),
        pytest.param("alice", PASSWORD + "\x00", id="a password with NUL"),
        pytest.param("alice", "\ud800", id="half a character"),
        pytest.param("alice", PASSWORD * 1000, id="a huge password"),
        pytest.param("dora", PASSWORD, id="an unknown name"),
        pytest.param("", PASSWORD, id="no name"),
        pytest.param("alice\x00", PASSWORD, id="a name with NUL"),
        pytest.param("alice\n", "", id="a name with a line break"),
        pytest.param("\ud800", PASSWORD, id="a name of half a character"),
        pytest.param("alice" * 1000, PASSWORD, id="a huge name"),
        pytest.param("' OR 1=1 --", PASSWORD, id="SQL"),
    ],
)
def test_all_that_is_wrong_gets_one_answer(alice: Account, username: str, password: str) -> None:
    with pytest.raises(WrongCredentials) as caught:
        enter(username, password)
    assert caught.value.detail == str(WrongCredentials.sentence)
    assert run(sessions_of, alice.id, NOW) == []


def test_every_failed_sign_in_gets_the_same_answer(alice: Account, db: Database) -> None:
    create_member("bob", password_hash=None)
    run(set_active, OPERATOR, alice.id, False, NOW)
    for name in ("alice", "bob"):
        with pytest.raises(WrongCredentials) as caught:
            enter(name)
        assert caught.value.detail == str(WrongCredentials.sentence)
    run(set_active, OPERATOR, alice.id, True, NOW)
    assert enter().account_id == alice.id


def test_signing_in_again_ends_the_session_the_browser_had(alice: Account) -> None:
    first, elsewhere = enter(), enter()
    second = sign_in("alice", PASSWORD, FIREFOX, first.token, NOW)
    assert not is_open(first)
    assert is_open(second)
    assert is_open(elsewhere)


def test_a_wrong_password_does_not_end_it(alice: Account) -> None:
    first = enter()
    with pytest.raises(WrongCredentials):
        sign_in("alice", "wrong", FIREFOX, first.token, NOW)
    assert is_open(first)


def test_an_unknown_old_token_is_no_obstacle(alice: Account) -> None:
    assert is_open(sign_in("alice", PASSWORD, FIREFOX, "never given", NOW))


def test_a_bcrypt_hash_becomes_argon2(alice: Account) -> None:
    def store_imported(session):
        imported = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
        session.get_one(Account, alice.id).password_hash = imported

    def kept(session) -> str:
        return str(session.get_one(Account, alice.id).password_hash)

    run(store_imported)
    fail(1)
    assert run(kept).startswith("$2b$")
    enter()
    assert run(kept).startswith("$argon2id$")
    enter()


def test_a_password_changed_meanwhile_opens_nothing(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it was being checked, an operator set another one."""
    check = sessions.check_hash  # type: ignore[attr-defined]  # what the module calls

    def check_and_change(*args: Any) -> Any:
        run(set_password, OPERATOR, alice.id, QUICK.hash("another password"), NOW)
        return check(*args)

    monkeypatch.setattr(sessions, "check_hash", check_and_change)
    with pytest.raises(WrongCredentials):
        enter()
    assert run(sessions_of, alice.id, NOW) == []


def test_a_password_changed_while_the_session_is_opened_ends_it(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new password ends all sessions, also one of a transaction that began before."""
    add = sessions.add_session  # type: ignore[attr-defined]  # what the module calls
    with ThreadPoolExecutor(1) as threads:

        def change_and_add(*args: Any) -> Any:
            change = threads.submit(run, set_password, OPERATOR, alice.id, QUICK.hash("another password"), NOW)
            wait([change], 0.3)
            return add(*args)

        monkeypatch.setattr(sessions, "add_session", change_and_add)
        enter()
    assert run(sessions_of, alice.id, NOW) == []


def test_after_some_wrong_passwords_one_waits(alice: Account) -> None:
    fail(FREE_TRIES["account"])
    with pytest.raises(TooManyTries) as caught:
        enter()
    assert caught.value.retry_after == 16
    with pytest.raises(TooManyTries):
        enter(now=NOW + 14 * SECOND)
    assert is_open(enter(now=NOW + 15 * SECOND))


def test_a_try_while_waiting_does_not_prolong_it(alice: Account) -> None:
    fail(FREE_TRIES["account"])
    for seconds in range(15):
        with pytest.raises(TooManyTries):
            enter(now=NOW + seconds * SECOND)
    assert is_open(enter(now=NOW + 15 * SECOND))


def test_each_further_wrong_password_doubles_the_wait(alice: Account) -> None:
    fail(FREE_TRIES["account"])
    fail(1, now=NOW + 15 * SECOND)
    with pytest.raises(TooManyTries) as caught:
        enter(now=NOW + 16 * SECOND)
    assert caught.value.retry_after == 30


def test_unknown_names_are_throttled_alike(alice: Account) -> None:
    for name in ("dora", "do ra"):
        fail(FREE_TRIES["account"], name)
        with pytest.raises(TooManyTries):
            enter(name)
    assert is_open(enter())


def test_all_spellings_of_a_name_are_counted_together(alice: Account) -> None:
    for name in ("alice", "ALICE", " Alice ", "aLiCe", "alice "):
        fail(1, name)
    with pytest.raises(TooManyTries):
        enter()


def test_another_browser_does_not_help(alice: Account) -> None:
    for n in range(FREE_TRIES["account"]):
        fail(1, browser=Browser("Firefox", f"192.0.2.{n}"))
    with pytest.raises(TooManyTries):
        enter(browser=Browser("Firefox", "192.0.2.99"))


def test_one_address_cannot_try_all_names(alice: Account) -> None:
    for n in range(FREE_TRIES["address"]):
        fail(1, f"member-{n}")
    with pytest.raises(TooManyTries):
        enter()
    assert is_open(enter(browser=Browser("Firefox", "192.0.2.2")))
    assert run(failures, "account", "alice") is None, "the refused try was not counted"


def test_a_right_password_forgives(alice: Account) -> None:
    fail(FREE_TRIES["account"] - 1)
    enter()
    fail(FREE_TRIES["account"] - 1)
    enter()


def test_sign_in_keeps_the_failures_of_its_address(alice: Account) -> None:
    """Else whoever has one account could try all others without end, signing in now and then."""
    fail(3, "dora")
    enter()
    counted = run(failures, "address", "192.0.2.1")
    assert counted is not None
    assert counted.count == 3
    assert run(failures, "account", "alice") is None


def test_a_restart_forgives_nobody(alice: Account, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(FREE_TRIES["account"])
    monkeypatch.setattr("portal.db.sql.session._database", None)
    restarted = open_database(db.engine.url.render_as_string(hide_password=False))
    with pytest.raises(TooManyTries):
        enter()
    restarted.close()


def test_a_quiet_day_forgives(alice: Account) -> None:
    fail(FREE_TRIES["account"])
    assert is_open(enter(now=NOW + timedelta(days=1)), NOW + timedelta(days=1))


def test_many_tries_at_once_gain_nothing(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both read how many wrong passwords there were before either writes, if the database lets them."""
    barrier = Barrier(2)
    read = sessions.locked_failures  # type: ignore[attr-defined]  # what the module calls

    def read_and_wait(*args: Any) -> Any:
        found = read(*args)
        with suppress(BrokenBarrierError):
            barrier.wait(0.2)
        return found

    monkeypatch.setattr(sessions, "locked_failures", read_and_wait)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: fail(1), range(2)))
    counted = {name: run(failures, *name) for name in (("account", "alice"), ("address", "192.0.2.1"))}
    assert {name: each and each.count for name, each in counted.items()} == dict.fromkeys(counted, 2)


def test_a_session_in_use_is_prolonged_now_and_then(alice: Account) -> None:
    token = enter().token

    def ends() -> datetime:
        (row,) = run(sessions_of, alice.id, NOW)
        return row.expires_at

    run(keep_alive, token, NOW + TOUCHED_EVERY - SECOND)
    assert ends() == NOW + lifetime()
    run(keep_alive, token, NOW + TOUCHED_EVERY)
    assert ends() == NOW + TOUCHED_EVERY + lifetime()


def test_an_ended_session_is_not_revived(alice: Account) -> None:
    signed_in = enter()
    over = NOW + lifetime()
    assert is_open(signed_in, over - SECOND)
    assert not is_open(signed_in, over)
    run(keep_alive, signed_in.token, over)
    assert not is_open(signed_in, over)
    run(keep_alive, "never given", NOW)


def test_its_lifetime_is_a_setting(alice: Account, settings_env) -> None:
    settings_env(session_hours=0.5)
    signed_in = enter()
    assert is_open(signed_in, NOW + timedelta(minutes=29))
    assert not is_open(signed_in, NOW + timedelta(minutes=30))


def test_signing_out_ends_one_session(alice: Account) -> None:
    here, there = enter(), enter()
    run(sign_out, here.token)
    run(sign_out, here.token)
    run(sign_out, "never given")
    assert not is_open(here)
    assert is_open(there)


def test_signing_out_others_keeps_this_one(alice: Account, bob: Account) -> None:
    here, there = enter(), enter()
    bobs = run(open_session_for, bob.id, FIREFOX, NOW)
    this = run(session_of, digest(here.token), NOW)
    assert this is not None
    assert run(sign_out_others, acting(alice), this[0].id, NOW) == 1
    assert [is_open(each) for each in (here, there, bobs)] == [True, False, True]
    assert run(entries, alice.id)[0].action == "session.end_others"


def test_signing_in_tidies_up(alice: Account) -> None:
    enter()
    fail(1, "dora")
    enter(now=NOW + lifetime())
    assert len(run(sessions_of, alice.id, NOW)) == 1
    assert run(failures, "account", "dora") is None


# By an administrator


def test_an_administrator_signs_a_person_out_everywhere(alice: Account, bob: Account, admin: Account) -> None:
    here, there, bobs = (run(open_session_for, who.id, FIREFOX, NOW) for who in (alice, alice, bob))
    assert run(sign_out_everywhere, acting(admin), alice.id, NOW) == 2
    assert [is_open(each) for each in (here, there, bobs)] == [False, False, True]
    assert audit_log()[-1] == ("root", "session.end_all", {"ended": 2})


def test_an_administrator_ends_one_session(alice: Account, bob: Account, admin: Account) -> None:
    here, there = (run(open_session_for, alice.id, FIREFOX, NOW) for _ in range(2))
    found = run(session_of, digest(here.token), NOW)
    assert found is not None
    with pytest.raises(NotFound):
        run(end_one_session, acting(admin), bob.id, found.session.id, NOW)
    run(end_one_session, acting(admin), alice.id, found.session.id, NOW)
    assert [is_open(here), is_open(there)] == [False, True]


def test_an_administrator_unlocks_a_sign_in(alice: Account, admin: Account) -> None:
    fail(FREE_TRIES["account"])
    with pytest.raises(TooManyTries):
        enter()
    run(unlock_sign_in, acting(admin), alice.id, NOW)
    assert is_open(enter())
