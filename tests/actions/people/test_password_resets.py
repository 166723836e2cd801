"""Asking for links when a password is forgotten, and setting another one."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from sqlalchemy import event, select

from portal.actions.people import password_resets
from portal.actions.people.accounts import (
    Profile,
    change_password,
    change_profile,
    edit_account,
    set_active,
    set_password,
)
from portal.actions.people.password_resets import (
    LinkEnded,
    count_ask,
    mail_password_link,
    make_password_link,
    owner_of,
    queue_links,
    reset_password,
)
from portal.actions.people.sessions import Browser, open_session_for, sign_in
from portal.db.people.sessions import failures, sessions
from portal.db.sql.session import Database
from portal.db.tables import Account, AuditEntry, OutboxMessage, ResetLink
from portal.errors import Conflict, InvalidInput, TooManyTries, Unavailable, WrongCredentials
from portal.rules.outbox import LINK_LASTS, LINKS_A_DAY
from portal.rules.people.secrets import digest
from portal.rules.people.throttling import FREE_TRIES
from tests.actions.conftest import QUICK_HASH
from tests.cast import NOW, OPERATOR, PASSWORD, acting, audit_log, create_member, run
from tests.queries import entries

OVER = NOW + LINK_LASTS
MICROSECOND = timedelta(microseconds=1)
HERE = "192.0.2.1"
NEW = "a cup of warm milk"


@pytest.fixture(autouse=True)
def mail_is_set_up(settings_env: Callable[..., None]) -> None:
    settings_env(base_url="https://portal.example.org/", smtp_host="mail.example.org", smtp_from="portal@example.org")


def mails() -> list[OutboxMessage]:
    return list(run(lambda session: session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()))


def links() -> set[str]:
    return set(run(lambda session: session.scalars(select(ResetLink.token_hash)).all()))


def token_in(mail: OutboxMessage) -> str:
    (token,) = re.findall(r"https://portal\.example\.org/user/reset-password\?token=([\w-]{43})\s", mail.text)
    return str(token)


def ask(email: str = "alice@example.org") -> list[str]:
    """Ask for links; return the tokens that were mailed."""
    before = len(mails())
    queue_links(email, HERE, NOW)
    return [token_in(mail) for mail in mails()[before:]]


def hash_of(account: Account) -> str | None:
    return run(lambda session: session.get_one(Account, account.id).password_hash)


def refused(token: str, new: str = NEW, now=NOW) -> str:
    with pytest.raises(LinkEnded) as caught:
        reset_password(token, new, now)
    return caught.value.detail


def test_a_link_is_mailed_to_whoever_forgot(alice: Account, bob: Account) -> None:
    (token,) = ask("ALICE@example.org")
    (mail,) = mails()
    assert (mail.account_id, mail.kind, mail.recipient, mail.state) == (alice.id, "reset", alice.email, "queued")
    assert "30 minutes" in mail.text
    assert token in mail.html
    assert links() == {digest(token)}
    assert hash_of(alice) == QUICK_HASH, "asking changes nothing"


def test_the_token_is_kept_nowhere_else(alice: Account) -> None:
    (token,) = ask()
    (entry,) = run(entries, alice.id)
    assert (entry.actor, entry.action) == ("visitor", "account.forgot_password")
    assert token not in entry.details
    assert "alice" not in entry.details
    assert token not in links()


def test_link_goes_to_the_account_in_any_case(alice: Account, bob: Account) -> None:
    [token] = ask("ALICE@Example.org")
    assert [mail.account_id for mail in mails()] == [alice.id]
    assert run(owner_of, token, NOW) == "alice"


def test_nobody_else_gets_one(alice: Account) -> None:
    assert ask("nobody@example.org") == []
    run(set_active, OPERATOR, alice.id, False, NOW)
    assert ask() == []
    assert links() == set()


def test_unknown_addresses_take_the_same_transactions(alice: Account, db: Database) -> None:
    """More is written for a known address, within the same transactions: no further wait for the disk."""
    commits: list[str] = []

    def hear(*_: Any) -> None:
        commits.append("commit")

    event.listen(db.engine, "commit", hear)
    try:
        ask()
        known = commits.count("commit")
        commits.clear()
        ask("nobody@example.org")
    finally:
        event.remove(db.engine, "commit", hear)
    assert commits.count("commit") == known
    rows = run(lambda session: [(row.account_id, row.action) for row in session.scalars(select(AuditEntry))])
    assert rows == [(alice.id, "account.forgot_password"), (None, "account.forgot_password")]


@pytest.mark.parametrize("email", ["alice@example.org", "nobody@example.org"])
def test_who_asks_again_and_again_waits(alice: Account, email: str) -> None:
    for _ in range(FREE_TRIES["reset"]):
        run(count_ask, email, HERE, NOW)
    for spelled in (email, email.upper()):
        with pytest.raises(TooManyTries) as caught:
            run(count_ask, spelled, "192.0.2.2", NOW)
        assert caught.value.retry_after == 16
    run(count_ask, email, HERE, NOW + timedelta(seconds=15))


def test_one_address_cannot_ask_for_everybody(alice: Account) -> None:
    for number in range(FREE_TRIES["reset address"]):
        run(count_ask, f"member-{number}@example.org", HERE, NOW)
    with pytest.raises(TooManyTries):
        run(count_ask, "alice@example.org", HERE, NOW)
    run(count_ask, "alice@example.org", "192.0.2.2", NOW)


def test_asking_is_no_wrong_password(alice: Account) -> None:
    for _ in range(FREE_TRIES["reset"]):
        run(count_ask, "alice", HERE, NOW)
    assert run(failures, "account", "alice") is None
    assert run(failures, "address", HERE) is None


def test_an_account_gets_so_many_links_a_day(alice: Account) -> None:
    for _ in range(LINKS_A_DAY):
        ask()
    queue_links("alice@example.org", HERE, NOW)
    assert [mail.state for mail in mails()] == ["queued"] * LINKS_A_DAY + ["failed"]


def test_an_ask_while_the_database_is_away_is_lost_quietly(
    alice: Account, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> None:
        raise Unavailable

    monkeypatch.setattr(password_resets, "run_in_reading", away)
    queue_links("alice@example.org", HERE, NOW)
    assert mails() == []
    assert "is lost" in caplog.text
    assert "alice" not in caplog.text


def test_a_link_sets_another_password_once(alice: Account, bob: Account) -> None:
    (token,) = ask()
    assert run(owner_of, token, NOW) == "alice"
    reset_password(token, NEW, OVER - MICROSECOND)
    assert sign_in("alice", NEW, Browser("Firefox", HERE), None, NOW).account_id == alice.id
    with pytest.raises(WrongCredentials):
        sign_in("alice", PASSWORD, Browser("Firefox", HERE), None, NOW)
    once = hash_of(alice)
    assert refused(token, "another one still") == str(LinkEnded.sentence)
    assert hash_of(alice) == once


def test_all_sessions_end_and_nobody_elses(alice: Account, bob: Account) -> None:
    for owner in (alice, alice, bob):
        run(open_session_for, owner.id, Browser("Firefox", HERE), NOW)
    (token,) = ask()
    reset_password(token, NEW, NOW)
    assert run(sessions, alice.id, NOW) == []
    assert len(run(sessions, bob.id, NOW)) == 1
    entry = run(entries, alice.id)[0]
    assert (entry.actor, entry.action, entry.details) == ("reset link", "account.password", '{"ended": 2}')


def test_a_mail_tells_that_it_was_done(alice: Account) -> None:
    (token,) = ask()
    reset_password(token, NEW, NOW + timedelta(minutes=1))
    notice = mails()[-1]
    assert (notice.account_id, notice.kind, notice.recipient, notice.state) == (
        alice.id,
        "notice",
        alice.email,
        "queued",
    )
    assert "15:06" in notice.text, "in her own zone"
    assert not re.search("token=", notice.text + notice.html)


def test_wrong_passwords_are_forgiven_but_asks_are_not(alice: Account) -> None:
    run(count_ask, "alice@example.org", HERE, NOW)
    for _ in range(FREE_TRIES["account"]):
        with pytest.raises(WrongCredentials):
            sign_in("alice", "wrong", Browser("Firefox", HERE), None, NOW)
    (token,) = ask()
    reset_password(token, NEW, NOW)
    assert sign_in("alice", NEW, Browser("Firefox", HERE), None, NOW).account_id == alice.id
    asked = run(failures, "reset", "alice@example.org")
    assert asked is not None
    assert asked.count == 1


def test_earlier_links_stay_good_until_one_is_used(alice: Account, bob: Account) -> None:
    (first,), (second,), (bobs,) = ask(), ask(), ask("bob@example.org")
    assert run(owner_of, first, NOW) == "alice"
    reset_password(first, NEW, NOW)
    refused(second)
    assert links() == {digest(bobs)}


@pytest.mark.parametrize("token", ["", "x", "never given", "\x00", "ü" * 200])
def test_what_is_no_link_is_refused_alike(alice: Account, token: str) -> None:
    ask()
    assert refused(token) == str(LinkEnded.sentence)


def test_after_thirty_minutes_a_link_is_over(alice: Account) -> None:
    (token,) = ask()
    assert refused(token, now=OVER) == str(LinkEnded.sentence)
    with pytest.raises(LinkEnded):
        run(owner_of, token, OVER)
    assert hash_of(alice) == QUICK_HASH
    queue_links("nobody@example.org", HERE, OVER)
    assert links() == set(), "what is over is not kept"


def test_a_suspended_account_sets_no_password(alice: Account) -> None:
    (token,) = ask()
    run(set_active, OPERATOR, alice.id, False, NOW)
    assert refused(token) == str(LinkEnded.sentence)
    assert hash_of(alice) == QUICK_HASH


@pytest.mark.parametrize("new", ["", "short", "x" * 257, "aaaaaaaaaaaa", "a NUL \x00 in it", "half \ud800 a character"])
def test_a_password_that_cannot_be_taken_leaves_the_link_good(alice: Account, new: str) -> None:
    (token,) = ask()
    with pytest.raises(InvalidInput) as caught:
        reset_password(token, new, NOW)
    assert caught.value.field == "password"
    assert hash_of(alice) == QUICK_HASH
    reset_password(token, NEW, NOW)


def test_the_user_name_is_no_password(db: Database, quick_passwords: None) -> None:
    create_member("alice.liddell", password_hash=QUICK_HASH)
    (token,) = ask("alice.liddell@example.org")
    with pytest.raises(InvalidInput):
        reset_password(token, "Alice.Liddell", NOW)


def test_what_ends_while_the_password_is_hashed_is_refused(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    (token,) = ask()

    def hash_slowly(*_: str) -> str:
        run(set_active, OPERATOR, alice.id, False, NOW)
        return "never stored"

    monkeypatch.setattr(password_resets, "hash_new_password", hash_slowly)
    refused(token)
    assert hash_of(alice) == QUICK_HASH


@pytest.mark.parametrize("different", [False, True], ids=["one link", "two links of one account"])
def test_of_two_at_once_one_sets_the_password(alice: Account, monkeypatch: pytest.MonkeyPatch, different: bool) -> None:
    """Both have found their link good, and hashed, before either uses it."""
    tokens = [*ask(), *ask()] if different else ask() * 2
    barrier = Barrier(2)
    hash_new_password = password_resets.hash_new_password  # type: ignore[attr-defined]  # what the module calls

    def hash_and_wait(*args: Any) -> Any:
        hashed = hash_new_password(*args)
        with suppress(BrokenBarrierError):
            barrier.wait(5)
        return hashed

    monkeypatch.setattr(password_resets, "hash_new_password", hash_and_wait)

    def use(token: str, new: str) -> bool:
        try:
            reset_password(token, new, NOW)
        except LinkEnded:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(use, tokens, ("first new password", "second new password")))
    assert sorted(done) == [False, True]
    kept = ("first new password", "second new password")[done.index(True)]
    assert sign_in("alice", kept, Browser("Firefox", HERE), None, NOW).account_id == alice.id
    assert [mail.kind for mail in mails()].count("notice") == 1


@pytest.mark.parametrize("end", ["password", "suspended", "email", "own password"])
def test_a_link_ends_with_what_it_was_asked_for(alice: Account, end: str) -> None:
    (token,) = ask()
    if end == "password":
        run(set_password, OPERATOR, alice.id, QUICK_HASH, NOW)
    if end == "suspended":
        run(set_active, OPERATOR, alice.id, False, NOW)
        run(set_active, OPERATOR, alice.id, True, NOW)
    if end == "email":
        run(change_profile, acting(alice), Profile("Alice", "new@example.org", "UTC", "en", "system"), NOW)
    if end == "own password":
        change_password(acting(alice), None, PASSWORD, "four glasses of water", NOW)
    with pytest.raises(LinkEnded):
        run(owner_of, token, NOW)


# By an administrator


def test_a_password_link_of_an_administrator_works_once(alice: Account, admin: Account) -> None:
    link = run(make_password_link, acting(admin), alice.id, NOW)
    assert link.expires_at == NOW + timedelta(days=3)
    token = link.path.partition("token=")[2]
    assert run(owner_of, token, link.expires_at - timedelta(seconds=1)) == "alice"
    reset_password(token, "two glasses of cold tea", NOW)
    for when in (NOW, link.expires_at):
        with pytest.raises(LinkEnded):
            run(owner_of, token, when)
    assert token not in str(audit_log())


def test_a_suspended_account_gets_no_password_link(alice: Account, admin: Account) -> None:
    run(set_active, OPERATOR, alice.id, False, NOW)
    with pytest.raises(Conflict, match="suspended"):
        run(make_password_link, acting(admin), alice.id, NOW)


def test_link_of_an_administrator_is_mailed(alice: Account) -> None:
    assert run(mail_password_link, OPERATOR, alice.id, NOW) == alice.email
    (mail,) = mails()
    assert (mail.kind, mail.recipient, mail.subject) == (
        "password link",
        alice.email,
        "Choose your password for MoE Portal",
    )
    assert "Your user name is alice." in mail.text
    assert "within 3 days" in mail.text
    assert run(owner_of, token_in(mail), NOW + timedelta(days=2)) == "alice"
    assert audit_log()[-1] == (str(OPERATOR), "account.password_link", {"by": "mail"})


def test_link_is_not_mailed_without_an_address(alice: Account) -> None:
    run(edit_account, OPERATOR, alice.id, NOW, email="")
    with pytest.raises(Conflict, match="no email address"):
        run(mail_password_link, OPERATOR, alice.id, NOW)
