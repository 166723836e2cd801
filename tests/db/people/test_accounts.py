"""Accounts."""

import pytest
from sqlalchemy.exc import IntegrityError

from portal.db.people.accounts import (
    account,
    account_at,
    account_called,
    account_named,
    add_account,
    all_accounts,
    change_password_hash,
    count_accounts,
)
from portal.db.sql.session import Database
from portal.db.tables import Account
from tests.cast import NOW, create_member, run


def test_an_account_is_found_by_id_and_by_name(alice: Account, bob: Account) -> None:
    found = run(account, alice.id)
    assert found is not None
    assert (found.username, found.active, found.language, found.theme) == ("alice", True, "en", "system")
    named = run(account_named, "bob")
    assert named is not None
    assert named.id == bob.id
    assert run(account, 2**62) is None
    assert run(account_named, "Alice") is None
    assert run(account_named, "") is None


def test_accounts_by_name(alice: Account, bob: Account, charlie: Account) -> None:
    assert [row.username for row in run(all_accounts)] == ["alice", "bob", "charlie"]
    assert run(count_accounts) == 3


def test_there_are_no_accounts_at_first(db: Database) -> None:
    assert run(count_accounts) == 0
    assert run(all_accounts) == []


def test_a_name_is_taken_once(alice: Account) -> None:
    with pytest.raises(IntegrityError):
        run(add_account, "alice", "Another Alice", "alice@example.com", "user", None, NOW)


def test_an_account_is_found_by_its_address_in_any_case(alice: Account, bob: Account) -> None:
    for typed in ("alice@example.org", "Alice@EXAMPLE.org", " alice@example.org "):
        found = run(account_at, typed)
        assert found is not None
        assert found.id == alice.id
    assert run(account_at, "%@example.org") is None
    assert run(account_at, "") is None


def test_an_account_is_called_by_its_name_or_its_address(alice: Account, bob: Account) -> None:
    for name in ("bob", "Bob", "BOB@example.org"):
        found = run(account_called, name)
        assert found is not None
        assert found.id == bob.id
    assert run(account_called, "bob@example.com") is None
    assert run(account_called, "") is None


def test_an_address_is_taken_once_however_it_is_written(alice: Account) -> None:
    with pytest.raises(IntegrityError):
        run(add_account, "alice2", "Another Alice", "ALICE@example.org", "user", None, NOW)


def test_any_number_of_accounts_has_no_address(db: Database) -> None:
    for name in ("alice", "bob"):
        run(add_account, name, name, "", "user", None, NOW)
    assert run(count_accounts) == 2


def test_a_password_is_replaced_only_if_nobody_else_has(db: Database) -> None:
    alice = create_member("alice", password_hash="old")
    assert not run(change_password_hash, alice.id, "new", expected="older")
    assert run(change_password_hash, alice.id, "new", expected="old")
    assert not run(change_password_hash, alice.id, "newer", expected="old")
    found = run(account, alice.id)
    assert found is not None
    assert found.password_hash == "new"


def test_a_first_password_too(db: Database) -> None:
    alice = create_member("alice", password_hash=None)
    assert not run(change_password_hash, alice.id, "new", expected="old")
    assert run(change_password_hash, alice.id, "new", expected=None)
