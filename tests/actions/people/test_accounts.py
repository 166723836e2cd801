"""Creating accounts, and what people change about their own."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from portal.actions.people import accounts
from portal.actions.people.accounts import (
    Profile,
    adopt_browser,
    adopt_time_zone,
    change_password,
    change_profile,
    edit_account,
    hash_new_password,
    set_active,
    set_password,
    set_theme,
)
from portal.actions.people.deletion import delete_account
from portal.actions.people.new_accounts import create_account
from portal.actions.people.passwords import check_hash
from portal.actions.people.sessions import Browser, open_session_for, sign_in
from portal.db.people.accounts import account_named, all_accounts, count_accounts
from portal.db.people.sessions import session_of
from portal.db.people.sessions import sessions as sessions_of
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.errors import Conflict, InvalidInput, NotFound, NotSignedIn
from portal.rules.people.accounts import Language, Role, Theme
from portal.rules.people.actors import Actor, Means
from portal.rules.people.secrets import digest
from tests.actions.conftest import QUICK
from tests.cast import NOW, OPERATOR, PASSWORD, acting, create_member, id_of, run
from tests.queries import entries

FIREFOX = Browser("Firefox", "192.0.2.1")
NEW_PASSWORD = "two glasses of cold tea"
PROFILE = Profile("Alice Liddell", "alice@example.com", "Asia/Tokyo", "de", "dark")


def named(username: str) -> Account:
    found = run(account_named, username)
    assert found is not None
    return found


def suspended(account: Account) -> Account:
    run(set_active, OPERATOR, account.id, False, NOW)
    return account


# Creating


def test_an_account_is_created_and_written_down(db: Database) -> None:
    created = run(create_account, OPERATOR, " Dora ", "dora@example.org", Role.EXPERT, "a hash", NOW, " Dora  Maar ")
    row = named("dora")
    assert (row.id, row.display_name, row.email, row.role) == (created.id, "Dora  Maar", "dora@example.org", "expert")
    assert (row.active, row.password_hash, row.time_zone, row.created_at) == (True, "a hash", None, NOW)
    assert (row.language, row.theme, row.template_id) == ("en", "system", None)
    (entry,) = run(entries, row.id)
    assert (entry.actor, entry.action) == (str(OPERATOR), "account.create")
    assert entry.before is None
    assert json.loads(entry.after or "") == {
        "username": "dora",
        "role": "expert",
        "email": "dora@example.org",
        "display_name": "Dora  Maar",
    }


def test_an_account_is_shown_by_its_user_name_at_first(db: Database) -> None:
    assert run(create_account, OPERATOR, "dora", "dora@example.org", Role.USER, None, NOW).display_name == "dora"


def test_a_user_name_is_taken_once_in_any_case(alice: Account) -> None:
    with pytest.raises(Conflict, match="called alice already"):
        run(create_account, OPERATOR, "ALICE", "other@example.org", Role.USER, None, NOW)
    assert run(count_accounts) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"username": "do ra"}, "username", id="user name"),
        pytest.param({"username": "dora\x00"}, "username", id="NUL in the user name"),
        pytest.param({"email": "dora"}, "email", id="email"),
        pytest.param({"email": "dora\ud800@example.org"}, "email", id="half a character in the email"),
        pytest.param({"display_name": "x" * 101}, "display_name", id="display name"),
        pytest.param({"display_name": " \t "}, "display_name", id="a display name of spaces"),
    ],
)
def test_malformed_values_are_named(db: Database, changes: dict[str, Any], field: str) -> None:
    usual = {"username": "dora", "email": "dora@example.org", "display_name": "Dora"}
    with pytest.raises(InvalidInput) as caught:
        run(
            lambda session: create_account(
                session, OPERATOR, role=Role.USER, password_hash=None, now=NOW, **{**usual, **changes}
            )
        )
    assert caught.value.field == field
    assert caught.value.detail.endswith(".")
    assert run(count_accounts) == 0


def test_a_new_password_is_hashed_if_it_will_do(quick_passwords: None) -> None:
    assert check_hash(NEW_PASSWORD, hash_new_password(NEW_PASSWORD, "dora"))[0]
    for weak in ("short", "dora-dora-dora", "x" * 257, "0123456789\x00", "0123456789\ud800"):
        with pytest.raises(InvalidInput) as caught:
            hash_new_password(weak, "dora-dora-dora")
        assert caught.value.field == "password"


# By an operator


def test_an_operator_sets_a_password_which_ends_all_sessions(alice: Account, bob: Account) -> None:
    mine, bobs = (run(open_session_for, who.id, FIREFOX, NOW) for who in (alice, bob))
    run(set_password, OPERATOR, alice.id, QUICK.hash(NEW_PASSWORD), NOW)
    assert run(session_of, digest(mine.token), NOW) is None
    assert run(session_of, digest(bobs.token), NOW) is not None
    assert sign_in("alice", NEW_PASSWORD, FIREFOX, None, NOW).account_id == alice.id
    actions = [(entry.actor, entry.action) for entry in run(entries, alice.id)]
    assert (str(OPERATOR), "account.password") in actions


def test_suspending_ends_sessions_at_once(alice: Account) -> None:
    mine = run(open_session_for, alice.id, FIREFOX, NOW)
    run(set_active, OPERATOR, alice.id, False, NOW)
    assert run(sessions_of, alice.id, NOW) == []
    run(set_active, OPERATOR, alice.id, True, NOW)
    assert run(session_of, digest(mine.token), NOW) is None
    assert [entry.action for entry in run(entries, alice.id)] == ["account.activate", "account.suspend"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda: run(set_password, OPERATOR, id_of("nobody"), "a hash", NOW), id="password"),
        pytest.param(lambda: run(set_active, OPERATOR, id_of("nobody"), False, NOW), id="suspension"),
    ],
)
def test_unknown_account_is_not_found(db: Database, change: Callable[[], None]) -> None:
    with pytest.raises(NotFound, match="no account called nobody"):
        change()


# One's own


def test_people_change_their_own_profile(alice: Account, bob: Account) -> None:
    run(change_profile, acting(alice), replace(PROFILE, display_name=" Alice Liddell "), NOW)
    row = named("alice")
    assert Profile(row.display_name, row.email, row.time_zone or "", row.language, row.theme) == PROFILE
    assert named("bob").display_name == "Bob"
    assert (row.username, row.role, row.active) == ("alice", "user", True)
    assert [entry.action for entry in run(entries, alice.id)] == ["account.profile"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("display_name", ""),
        ("display_name", "x" * 101),
        ("display_name", "two\nlines"),
        ("display_name", "\ud800"),
        ("email", "nowhere"),
        ("email", "a\x00@example.org"),
        ("time_zone", ""),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "UTC\x00"),
        ("time_zone", "\ud800"),
        ("language", "fr"),
        ("language", "EN"),
        ("theme", "neon"),
        ("theme", ""),
    ],
)
def test_a_malformed_profile_changes_nothing(alice: Account, field: str, value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(change_profile, acting(alice), replace(PROFILE, **{field: value}), NOW)
    assert caught.value.field == field
    row = named("alice")
    assert (row.display_name, row.email, row.time_zone) == ("Alice", "alice@example.org", "Europe/Berlin")
    assert run(entries, alice.id) == []


def test_themes_and_languages(alice: Account) -> None:
    for theme in Theme:
        run(set_theme, acting(alice), theme.value, NOW)
        assert named("alice").theme == theme
    with pytest.raises(InvalidInput) as caught:
        run(set_theme, acting(alice), "neon", NOW)
    assert caught.value.field == "theme"
    for language in Language:
        run(change_profile, acting(alice), replace(PROFILE, language=language.value), NOW)
        assert named("alice").language == language


def test_the_browsers_zone_is_taken_once(db: Database) -> None:
    dora = create_member("dora", time_zone=None)
    assert not run(adopt_time_zone, acting(dora), "Mars/Olympus")
    assert not run(adopt_time_zone, acting(dora), "\ud800")
    assert named("dora").time_zone is None
    assert run(adopt_time_zone, acting(dora), "Asia/Tokyo")
    assert not run(adopt_time_zone, acting(dora), "Europe/Berlin")
    assert named("dora").time_zone == "Asia/Tokyo"


def test_first_sign_in_adopts_the_browsers_language(db: Database) -> None:
    dora, erik, frida = (create_member(name, time_zone=None) for name in ("dora", "erik", "frida"))
    run(lambda session: setattr(session.get(Account, frida.id), "language", "de"))
    run(adopt_browser, dora.id, Language.GERMAN, "Asia/Tokyo")
    run(adopt_browser, erik.id, Language.GERMAN, "")
    run(adopt_browser, frida.id, Language.ENGLISH, "Asia/Tokyo")
    found = [named(name) for name in ("dora", "erik", "frida")]
    assert [(each.language, each.time_zone) for each in found] == [
        ("de", "Asia/Tokyo"),
        ("de", None),
        ("de", "Asia/Tokyo"),
    ]


def test_later_sign_in_keeps_the_language(alice: Account) -> None:
    run(adopt_browser, alice.id, Language.GERMAN, "Asia/Tokyo")
    assert (named("alice").language, named("alice").time_zone) == ("en", "Europe/Berlin")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda who: run(change_profile, who, PROFILE, NOW), id="profile"),
        pytest.param(lambda who: run(set_theme, who, "dark", NOW), id="theme"),
        pytest.param(lambda who: run(adopt_time_zone, who, "Asia/Tokyo"), id="time zone"),
        pytest.param(lambda who: change_password(who, None, PASSWORD, NEW_PASSWORD, NOW), id="password"),
    ],
)
def test_open_page_of_a_suspended_account_changes_nothing(alice: Account, change: Callable[[Actor], Any]) -> None:
    suspended(alice)
    for actor in (acting(alice), Actor(Means.SESSION, "nobody", 2**62)):
        with pytest.raises(NotSignedIn):
            change(actor)
    assert named("alice").theme == "system"


# One's own password


def test_password_change_ends_other_sessions(alice: Account, bob: Account) -> None:
    here, there, bobs = (run(open_session_for, who.id, FIREFOX, NOW) for who in (alice, alice, bob))
    this = run(session_of, digest(here.token), NOW)
    assert this is not None
    change_password(acting(alice), this[0].id, PASSWORD, NEW_PASSWORD, NOW)
    still_open = [run(session_of, digest(each.token), NOW) is not None for each in (here, there, bobs)]
    assert still_open == [True, False, True]
    assert sign_in("alice", NEW_PASSWORD, FIREFOX, None, NOW).account_id == alice.id
    assert "account.password" in [entry.action for entry in run(entries, alice.id)]


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        pytest.param("not my password", NEW_PASSWORD, "current", id="a wrong current one"),
        pytest.param("", NEW_PASSWORD, "current", id="no current one"),
        pytest.param("\ud800", NEW_PASSWORD, "current", id="a malformed current one"),
        pytest.param(PASSWORD * 1000, NEW_PASSWORD, "current", id="a huge current one"),
        pytest.param(PASSWORD, "short", "new", id="too short"),
        pytest.param(PASSWORD, "x" * 1000, "new", id="too long"),
        pytest.param(PASSWORD, "0123456789\x00", "new", id="NUL"),
    ],
)
def test_a_password_that_will_not_do_changes_nothing(alice: Account, current: str, new: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        change_password(acting(alice), None, current, new, NOW)
    assert caught.value.field == field
    assert named("alice").password_hash == alice.password_hash


def test_second_of_two_password_changes_is_a_conflict(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    hash_one = accounts.hash_new_password

    def hash_and_change(password: str, username: str) -> str:
        run(set_password, OPERATOR, alice.id, QUICK.hash("set by an operator"), NOW)
        return hash_one(password, username)

    monkeypatch.setattr(accounts, "hash_new_password", hash_and_change)
    with pytest.raises(Conflict):
        change_password(acting(alice), None, PASSWORD, NEW_PASSWORD, NOW)
    assert check_hash("set by an operator", named("alice").password_hash)[0]


# What operators change


def test_an_edit_changes_what_is_given_alone(alice: Account) -> None:
    run(edit_account, OPERATOR, alice.id, NOW, role=Role.EXPERT)
    run(edit_account, OPERATOR, alice.id, NOW, display_name=" Alice Liddell ")
    run(edit_account, OPERATOR, alice.id, NOW, email="alice@example.com")
    found = named("alice")
    assert (found.role, found.display_name, found.email) == ("expert", "Alice Liddell", "alice@example.com")
    run(edit_account, OPERATOR, alice.id, NOW, email="")
    assert named("alice").email == ""
    written = [(entry.action, entry.before, entry.after) for entry in run(entries, alice.id)][::-1]
    assert written == [
        ("account.edit", '{"role": "user"}', '{"role": "expert"}'),
        ("account.edit", '{"display_name": "Alice"}', '{"display_name": "Alice Liddell"}'),
        ("account.edit", '{"email": "alice@example.org"}', '{"email": "alice@example.com"}'),
        ("account.edit", '{"email": "alice@example.com"}', '{"email": ""}'),
    ]


def test_an_edit_that_changes_nothing_is_not_written_down(alice: Account) -> None:
    run(edit_account, OPERATOR, alice.id, NOW, role=Role.USER, email="alice@example.org", display_name="Alice")
    assert run(entries, alice.id) == []


@pytest.mark.parametrize(
    ("change", "ended"),
    [
        pytest.param({"role": Role.EXPERT}, True, id="another role"),
        pytest.param({"role": Role.USER}, False, id="the same role"),
        pytest.param({"email": "new@example.org", "display_name": "New"}, False, id="name and address"),
    ],
)
def test_another_role_ends_the_sessions(alice: Account, bob: Account, change: dict[str, Any], ended: bool) -> None:
    own, other = (run(open_session_for, account.id, FIREFOX, NOW).token for account in (alice, bob))
    run(edit_account, OPERATOR, alice.id, NOW, **change)
    assert (run(session_of, digest(own), NOW) is None) is ended
    assert run(session_of, digest(other), NOW) is not None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "nowhere"}, "email"),
        ({"display_name": " "}, "display_name"),
        ({"display_name": "a\nb"}, "display_name"),
    ],
)
def test_an_edit_is_checked(alice: Account, change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(edit_account, OPERATOR, alice.id, NOW, **change)
    assert caught.value.field == field
    with pytest.raises(NotFound):
        run(edit_account, OPERATOR, id_of("nobody"), NOW, display_name="Nobody")


# One email, one account


@pytest.mark.parametrize("typed", ["alice@example.org", "ALICE@Example.ORG", " alice@example.org"])
def test_an_address_of_another_account_is_refused_everywhere(alice: Account, bob: Account, typed: str) -> None:
    tries: list[Callable[[], object]] = [
        lambda: run(create_account, OPERATOR, "second", typed, Role.USER, None, NOW),
        lambda: run(edit_account, OPERATOR, bob.id, NOW, email=typed),
        lambda: run(change_profile, acting(bob), replace(PROFILE, email=typed), NOW),
    ]
    for attempt in tries:
        with pytest.raises(Conflict, match="Another account has this email address already") as caught:
            attempt()
        assert caught.value.field == "email"
    assert named("bob").email == "bob@example.org"
    assert run(account_named, "second") is None


def test_the_case_of_ones_own_address_can_be_changed(alice: Account) -> None:
    run(change_profile, acting(alice), replace(PROFILE, email="Alice@Example.org"), NOW)
    assert named("alice").email == "Alice@Example.org"


def test_of_many_who_take_an_address_at_once_one_gets_it(alice: Account, bob: Account, charlie: Account) -> None:
    def take(account: Account) -> bool:
        try:
            run(change_profile, acting(account), replace(PROFILE, email="shared@example.org"), NOW)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(3) as threads:
        assert sorted(threads.map(take, [alice, bob, charlie])) == [False, False, True]


def test_of_many_created_at_once_with_one_address_one_is(db: Database) -> None:
    def create(name: str) -> bool:
        try:
            run(create_account, OPERATOR, name, "shared@example.org", Role.USER, None, NOW)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(3) as threads:
        assert sorted(threads.map(create, ["one", "two", "three"])) == [False, False, True]
    assert run(count_accounts) == 1


def test_the_name_of_a_deleted_account_cannot_be_taken(db: Database) -> None:
    with pytest.raises(InvalidInput, match="reserved for deleted accounts"):
        run(create_account, OPERATOR, "Deleted-7", "seven@example.org", Role.USER, None, NOW)


# The last administrator


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda name: run(set_active, OPERATOR, id_of(name), False, NOW), id="suspend"),
        pytest.param(lambda name: run(edit_account, OPERATOR, id_of(name), NOW, role=Role.EXPERT), id="demote"),
        pytest.param(lambda name: run(delete_account, OPERATOR, id_of(name), NOW), id="delete"),
    ],
)
def test_the_last_active_administrator_stays(admin: Account, alice: Account, end: Callable[[str], object]) -> None:
    suspended(create_member("second", role="admin"))
    with pytest.raises(Conflict, match="root is the only active administrator"):
        end("root")
    assert (named("root").role, named("root").active) == ("admin", True)
    end("alice")
    run(set_active, OPERATOR, id_of("second"), True, NOW)
    end("root")
    with pytest.raises(Conflict, match="second is the only active administrator"):
        end("second")


def test_administrators_who_end_each_other_at_once_leave_one(db: Database) -> None:
    ends: dict[str, Callable[[str], object]] = {
        "one": lambda name: run(set_active, OPERATOR, id_of(name), False, NOW),
        "two": lambda name: run(edit_account, OPERATOR, id_of(name), NOW, role=Role.USER),
        "three": lambda name: run(delete_account, OPERATOR, id_of(name), NOW),
    }
    for name in ends:
        create_member(name, role="admin")

    def end(name: str) -> bool:
        try:
            ends[name](name)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(3) as threads:
        assert sorted(threads.map(end, ends)) == [False, True, True]
    assert [row.role for row in run(all_accounts) if row.active and row.role == "admin"] == ["admin"]


# Two who edit the same account


def test_second_of_two_editors_is_refused(alice: Account) -> None:
    seen = named("alice").version
    run(edit_account, OPERATOR, alice.id, NOW, display_name="Alice L.", version=seen)
    for change in (
        lambda db: edit_account(db, OPERATOR, alice.id, NOW, display_name="Liddell", version=seen),
        lambda db: set_active(db, OPERATOR, alice.id, False, NOW, version=seen),
    ):
        with pytest.raises(Conflict, match="Somebody else has changed"):
            run(change)
    assert (named("alice").display_name, named("alice").active) == ("Alice L.", True)
    run(edit_account, OPERATOR, alice.id, NOW, display_name="Liddell", version=seen + 1)


def test_each_change_of_an_account_counts_once(alice: Account) -> None:
    now = named("alice")
    seen = now.version
    run(edit_account, OPERATOR, now.id, NOW, email=now.email, time_zone=now.time_zone, language=now.language)
    run(set_theme, acting(alice), "dark", NOW)
    assert named("alice").version == seen
    run(edit_account, OPERATOR, alice.id, NOW, time_zone="Asia/Tokyo", language="de")
    assert (named("alice").version, named("alice").time_zone, named("alice").language) == (seen + 2, "Asia/Tokyo", "de")
    run(change_profile, acting(alice), PROFILE, NOW)
    assert named("alice").version > seen + 2


def test_unknown_choices_of_an_editor_are_refused(alice: Account) -> None:
    with pytest.raises(InvalidInput, match="time zone"):
        run(edit_account, OPERATOR, alice.id, NOW, time_zone="Mars/Olympus")
    with pytest.raises(InvalidInput, match="Choose one of en, de"):
        run(edit_account, OPERATOR, alice.id, NOW, language="xx")
