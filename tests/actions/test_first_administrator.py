"""The administrator that the environment names."""

import pytest
from sqlalchemy import select

from portal.actions.first_administrator import create_first_administrator
from portal.actions.setup import new_setup_link
from portal.db.accounts import account_named, all_accounts
from portal.db.sql.session import Database, run_in_reading
from portal.db.tables import Account, AuditEntry
from portal.errors import Conflict, InvalidInput
from tests.cast import NOW, create_member, run

PASSWORD = "four words are enough"


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


def test_suspended_administrator_does_not_count_and_stays_suspended(db: Database) -> None:
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
