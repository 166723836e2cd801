"""The first administrator."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.actions.people.accounts import set_active
from portal.actions.people.sessions import Browser, sign_in
from portal.actions.people.setup import create_first_administrator, new_setup_link, set_up, setup_link_is_good
from portal.db.people.accounts import account_named, all_accounts, count_accounts
from portal.db.sql.session import Database, run_in_reading
from portal.db.tables import Account, AuditEntry
from portal.errors import Conflict, InvalidInput, NotFound
from tests.cast import NOW, OPERATOR, PASSWORD, create_member, run

FIREFOX = Browser("Firefox", "192.0.2.1")


def first_link() -> str:
    token = run(new_setup_link, NOW)
    assert token is not None
    return token


def test_the_setup_link_creates_the_first_administrator_once(db: Database, quick_passwords: None) -> None:
    token = first_link()
    assert run(setup_link_is_good, token)
    set_up(token, "Root", "root@example.org", PASSWORD, NOW)
    (row,) = run(all_accounts)
    assert (row.username, row.role) == ("root", "admin")
    assert sign_in("root", PASSWORD, FIREFOX, None, NOW).account_id == row.id
    assert not run(setup_link_is_good, token)
    with pytest.raises(NotFound):
        set_up(token, "other", "other@example.org", PASSWORD, NOW)
    assert run(count_accounts) == 1


def test_a_later_link_replaces_the_earlier(db: Database, quick_passwords: None) -> None:
    first, second = first_link(), first_link()
    assert not run(setup_link_is_good, first)
    with pytest.raises(NotFound):
        set_up(first, "root", "root@example.org", PASSWORD, NOW)
    set_up(second, "root", "root@example.org", PASSWORD, NOW)


def test_a_link_lives_until_there_is_an_administrator(db: Database, quick_passwords: None) -> None:
    token = first_link()
    create_member("alice")
    run(set_active, OPERATOR, create_member("expert", role="expert").id, False, NOW)
    assert run(setup_link_is_good, token)
    set_up(token, "root", "root@example.org", PASSWORD, NOW)
    assert run(new_setup_link, NOW) is None


def test_a_suspended_administrator_is_none(db: Database, quick_passwords: None) -> None:
    def suspend(session: Session) -> None:
        session.get_one(Account, old.id).active = False

    old = create_member("old", role="admin")
    run(suspend)
    set_up(first_link(), "root", "root@example.org", PASSWORD, NOW)
    assert run(new_setup_link, NOW) is None


def test_a_taken_name_or_address_does_not_use_up_the_link(alice: Account, quick_passwords: None) -> None:
    token = first_link()
    for username, email, field in (("alice", "a@example.org", "username"), ("root", "Alice@Example.org", "email")):
        with pytest.raises(Conflict) as caught:
            set_up(token, username, email, PASSWORD, NOW)
        assert caught.value.field == field
    assert run(setup_link_is_good, token)


def test_an_ended_link_tells_what_to_do(db: Database) -> None:
    first, _ = first_link(), first_link()
    with pytest.raises(NotFound, match=r"each start .* prints a new link.*portal user create NAME .*--role admin"):
        set_up(first, "root", "root@example.org", PASSWORD, NOW)
    create_member("root", role="admin")
    with pytest.raises(NotFound, match=r"there is an administrator\. Sign in"):
        set_up(first, "root", "root@example.org", PASSWORD, NOW)


def test_with_an_administrator_there_is_no_link_and_none_works(db: Database, quick_passwords: None) -> None:
    token = first_link()
    create_member("boss", role="admin")
    assert run(new_setup_link, NOW) is None
    assert not run(setup_link_is_good, token)
    with pytest.raises(NotFound):
        set_up(token, "root", "root@example.org", PASSWORD, NOW)


@pytest.mark.parametrize("token", ["", "x" * 10_000, "\ud800", "\x00"])
def test_other_text_is_no_link(db: Database, token: str) -> None:
    first_link()
    assert not run(setup_link_is_good, token)
    with pytest.raises(NotFound):
        set_up(token, "root", "root@example.org", PASSWORD, NOW)


@pytest.mark.parametrize(
    ("username", "email", "password", "field"),
    [
        ("ro ot", "root@example.org", PASSWORD, "username"),
        ("root", "nowhere", PASSWORD, "email"),
        ("root", "root@example.org", "short", "password"),
    ],
)
def test_a_slip_of_the_pen_does_not_use_up_the_link(
    db: Database, quick_passwords: None, username: str, email: str, password: str, field: str
) -> None:
    token = first_link()
    with pytest.raises(InvalidInput) as caught:
        set_up(token, username, email, password, NOW)
    assert caught.value.field == field
    assert run(setup_link_is_good, token)


def test_setup_link_used_twice_at_once_creates_one_account(db: Database, quick_passwords: None) -> None:
    token = first_link()

    def follow(name: str) -> bool:
        try:
            set_up(token, name, f"{name}@example.org", PASSWORD, NOW)
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(follow, ["first", "second"])) == [False, True]
    assert run(count_accounts) == 1


def test_administrator_is_created_once_and_audited(db: Database) -> None:
    assert create_first_administrator("Root", None, PASSWORD, NOW)
    assert not create_first_administrator("Root", None, PASSWORD, NOW)
    assert not create_first_administrator("other", "other@example.org", "short", NOW), (
        "there is one: nothing is looked at"
    )
    root = run_in_reading(account_named, "root")
    assert root is not None
    assert (root.role, root.active, root.email) == ("admin", True, "")
    with db.reading() as session:
        entries = [(e.actor, e.action) for e in session.scalars(select(AuditEntry))]
    assert entries == [("environment", "account.create")]


def test_accounts_of_others_do_not_keep_it_from_being_created(db: Database, alice: Account) -> None:
    assert create_first_administrator("root", "root@example.org", PASSWORD, NOW)


def test_suspended_administrator_stays_suspended(db: Database) -> None:
    old = create_member("old", role="admin")
    run(lambda session: setattr(session.get_one(Account, old.id), "active", False))
    assert not create_first_administrator("old", None, PASSWORD, NOW)
    assert run(new_setup_link, NOW) is not None
    assert create_first_administrator("root", None, PASSWORD, NOW)
    assert run(new_setup_link, NOW) is None
    assert [(a.username, a.active) for a in run_in_reading(all_accounts)] == [("old", False), ("root", True)]


@pytest.mark.parametrize(
    ("username", "email", "password", "field"),
    [
        pytest.param("root", None, "short", "password", id="a weak password"),
        pytest.param("root", "nowhere", PASSWORD, "email", id="no address"),
        pytest.param("two words", None, PASSWORD, "username", id="no user name"),
        pytest.param("two words", "root@example.org", PASSWORD, "username", id="no user name, with an address"),
    ],
)
def test_bad_values_are_refused_and_nothing_is_created(
    db: Database, username: str, email: str | None, password: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        create_first_administrator(username, email, password, NOW)
    assert refused.value.field == field
    with db.reading() as session:
        assert session.scalars(select(Account)).all() == []


def test_account_that_is_no_administrator_is_not_made_one(db: Database, alice: Account) -> None:
    with pytest.raises(Conflict, match="Alice exists and is no administrator"):
        create_first_administrator("Alice", None, PASSWORD, NOW)
