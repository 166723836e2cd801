"""`portal user`."""

from typing import Any

import pytest

from portal.actions.passwords import check_hash
from portal.db.session import Database, database
from portal.db.tables import Account
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
def test_an_account_that_cannot_be_created_is_refused_in_one_sentence(
    alice: Account, words: tuple[str, ...], password: str, sentence: str
) -> None:
    assert sentence in fail("user", "create", *words, "--password-stdin", typed=password)
    assert len(rows(succeed("user", "list"))) == 1


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
    assert [(row[0], row[4]) for row in rows(succeed("user", "list"))] == [("alice", "suspended"), ("bob", "active")]
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
def test_an_unknown_account_is_said_to_be_unknown(db: Database, words: tuple[str, ...]) -> None:
    assert fail(*words, typed="long enough now") == "There is no account called nobody."
    assert audit() == []
