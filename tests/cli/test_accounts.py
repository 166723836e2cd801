"""`portal user`."""

from typing import Any

import pytest

from portal.actions.people.passwords import check_hash
from portal.db.sql.session import Database, database
from portal.db.tables import Account
from tests.cast import create_member
from tests.cli.terminal import audit, fail, misuse, portal, rows, succeed, the


def test_an_account_is_created_with_the_password_from_stdin(db: Database) -> None:
    names = "--email", "alice@example.org", "--display-name", "Alice Liddell"
    typed = "down the rabbit hole\r\nmore\n"
    done = portal("user", "create", "Alice", *names, "--role", "expert", "--password-stdin", typed=typed)
    assert done.exit_code == 0, done.output
    alice = the("alice")
    assert (alice.display_name, alice.email) == ("Alice Liddell", "alice@example.org")
    assert (alice.role, alice.active) == ("expert", True)
    assert check_hash("down the rabbit hole", alice.password_hash) == (True, None)
    assert "rabbit" not in done.output
    [(action, actor)] = audit()
    assert action == "account.create"
    assert actor.startswith("command line")


@pytest.mark.parametrize(
    ("words", "password", "sentence"),
    [
        pytest.param(("alice", "--email", "a@example.org"), "long enough now", "already", id="taken name"),
        pytest.param(("b ob", "--email", "b@example.org"), "long enough now", "user name has letters", id="name"),
        pytest.param(("bob", "--email", "nowhere"), "long enough now", "email address", id="email"),
        pytest.param(("bob", "--email", "b@example.org"), "short", "at least 10", id="short password"),
        pytest.param(("bob", "--email", "b@example.org"), "", "at least 10", id="no password"),
    ],
)
def test_invalid_account_is_refused_in_one_sentence(
    alice: Account, words: tuple[str, ...], password: str, sentence: str
) -> None:
    assert sentence in fail("user", "create", *words, "--password-stdin", typed=password)
    assert len(rows(succeed("user", "list"))) == 1


@pytest.mark.parametrize(
    ("name", "email", "sentence"),
    [
        ("alice", "a@example.org", "There is an account called alice already."),
        ("a b", "a@example.org", "A user name has letters a to z"),
        ("mara", "nowhere", "does not look like an email address"),
        ("mara", "ALICE@example.org", "Another account has this email address already."),
    ],
)
def test_name_and_address_are_refused_before_a_password_is_asked(
    alice: Account, name: str, email: str, sentence: str
) -> None:
    assert sentence in fail("user", "create", name, "--email", email)


def test_a_password_is_never_read_from_a_pipe_unasked(db: Database) -> None:
    assert "--password-stdin" in misuse("user", "create", "bob", "--email", "b@example.org", typed="long enough now\n")


def test_a_password_that_is_no_text_is_refused(db: Database) -> None:
    assert "UTF-8" in misuse("user", "create", "bob", "--email", "b@e.org", "--password-stdin", typed=b"\xff" * 12)


def test_a_new_password_ends_the_sessions(alice: Account, sign_in_as: Any) -> None:
    sign_in_as(alice)
    succeed("user", "password", "alice", "--password-stdin", typed="curiouser and curiouser")
    assert check_hash("curiouser and curiouser", the("alice").password_hash)[0]
    with database().reading() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM sessions").scalar_one() == 0


def test_accounts_are_listed_suspended_and_let_in_again(alice: Account, bob: Account) -> None:
    succeed("user", "suspend", "Alice")
    assert [(row[0], row[5]) for row in rows(succeed("user", "list"))] == [("alice", "suspended"), ("bob", "active")]
    succeed("user", "activate", "alice")
    assert the("alice").active


@pytest.mark.parametrize(
    "words",
    [
        ("user", "suspend", "nobody"),
        ("user", "activate", "nobody"),
        ("user", "password", "nobody", "--password-stdin"),
        ("key", "create", "nobody", "--label", "x"),
        ("key", "list", "nobody"),
        ("key", "revoke", "nobody", "moe-sk-"),
        ("budget", "set", "nobody", "--daily", "1"),
        ("budget", "show", "nobody"),
        ("template", "assign", "nobody", "none"),
    ],
    ids=" ".join,
)
def test_unknown_account_is_named_in_the_error(db: Database, words: tuple[str, ...]) -> None:
    assert fail(*words, typed="long enough now") == "There is no account called nobody."
    assert audit() == []


def test_an_account_is_edited(alice: Account) -> None:
    printed = succeed("user", "edit", "Alice", "--role", "expert", "--email", "al@example.com", "--name", "Alice L.")
    assert printed == "alice: Alice L., al@example.com, expert.\n"
    found = the("alice")
    assert (found.role, found.email, found.display_name) == ("expert", "al@example.com", "Alice L.")
    assert succeed("user", "edit", "al@example.com", "--email", "") == "alice: Alice L., no email address, expert.\n"
    assert [action for action, _ in audit()] == ["account.edit"] * 2
    assert "say what to change" in misuse("user", "edit", "alice")


def test_an_edit_that_cannot_be_made_is_refused_in_one_sentence(alice: Account, admin: Account) -> None:
    assert fail("user", "edit", "alice", "--email", "root@example.org").startswith("Another account has this email")
    assert fail("user", "edit", "root", "--role", "user").startswith("root is the only active administrator.")
    assert fail("user", "suspend", "root").startswith("root is the only active administrator.")
    assert fail("user", "delete", "root", "--yes").startswith("root is the only active administrator.")


@pytest.mark.parametrize(
    "words",
    [
        ("user", "suspend", "Alice@Example.org"),
        ("user", "activate", "Alice@Example.org"),
        ("key", "create", "Alice@Example.org", "--label", "x"),
        ("key", "list", "Alice@Example.org"),
        ("budget", "set", "Alice@Example.org", "--daily", "1"),
        ("budget", "show", "Alice@Example.org"),
        ("template", "assign", "Alice@Example.org", "none"),
        ("user", "edit", "Alice@Example.org", "--name", "Alice L."),
        ("user", "delete", "Alice@Example.org", "--yes"),
    ],
    ids=" ".join,
)
def test_an_account_is_named_by_its_address(alice: Account, bob: Account, words: tuple[str, ...]) -> None:
    before = the("bob")
    succeed(*words)
    assert (the("bob").active, the("bob").display_name) == (before.active, before.display_name)


def test_a_password_is_checked_against_the_name_of_the_account(alice: Account) -> None:
    create_member("long.enough.name")
    printed = fail("user", "password", "long.enough.name@example.org", "--password-stdin", typed="long.enough.name")
    assert "easy to guess" in printed
    succeed("user", "password", "alice@example.org", "--password-stdin", typed="curiouser and curiouser")
    assert check_hash("curiouser and curiouser", the("alice").password_hash)[0]


def test_an_account_is_deleted(alice: Account, bob: Account) -> None:
    printed = succeed("user", "delete", "alice", "--yes")
    assert printed == f"Deleted alice. Its usage stays under deleted-{alice.id}.\n"
    listed = rows(succeed("user", "list"))
    assert [(row[0], row[1], row[5]) for row in listed] == [
        ("bob", "Bob", "active"),
        (f"deleted-{alice.id}", "Deleted account", "deleted"),
    ]
    assert "was deleted" in fail("user", "activate", f"deleted-{alice.id}")
    assert "was deleted" in fail("key", "create", f"deleted-{alice.id}", "--label", "x")
    assert portal("verify").exit_code == 0


def test_an_account_is_not_deleted_unasked(alice: Account) -> None:
    assert "--yes" in misuse("user", "delete", "alice")
    assert the("alice").active


@pytest.mark.parametrize(("answer", "deleted"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_who_deletes_is_asked(alice: Account, monkeypatch: pytest.MonkeyPatch, answer: str, deleted: bool) -> None:
    monkeypatch.setattr("portal.cli.accounts.can_ask", lambda: True)
    done = portal("user", "delete", "alice", typed=answer)
    assert "Delete alice (Alice, alice@example.org) for ever?" in done.stderr
    assert (done.exit_code == 0) is deleted
    assert the(f"deleted-{alice.id}" if deleted else "alice") is not None
