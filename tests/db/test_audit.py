"""The audit log."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from portal.db.audit import add_entry, erasing, remove_old_entries
from portal.db.sql.session import Database
from portal.db.tables import Account, AuditEntry, AuditPruning
from portal.rules.people.actors import Actor, Means
from tests.cast import NOW, OPERATOR, run
from tests.queries import entries


def write(actor: Actor, action: str, account: Account | None, **details: Any) -> None:
    run(lambda session: add_entry(session, actor, action, NOW, account_id=account.id if account else None, **details))


def write_at(session: Session, at: datetime) -> None:
    add_entry(session, OPERATOR, f"{(NOW - at).days} days ago", at)


def actions() -> list[str]:
    return run(lambda session: [entry.action for entry in session.query(AuditEntry).order_by(AuditEntry.id)])


def test_entry_belongs_to_its_account(alice: Account, bob: Account) -> None:
    for action in ("first", "second", "third"):
        write(OPERATOR, action, alice)
    write(OPERATOR, "bobs", bob)
    write(OPERATOR, "nobodys", None)
    assert [entry.action for entry in run(entries, alice.id)] == ["third", "second", "first"]
    assert [entry.action for entry in run(entries, bob.id)] == ["bobs"]


def test_details_are_readable_whatever_they_are(alice: Account) -> None:
    write(Actor(Means.SESSION, "x" * 100), "any", alice, label='Läptop "1"', none=None, at=NOW, count=3)
    (entry,) = run(entries, alice.id)
    assert json.loads(entry.details) == {"label": 'Läptop "1"', "none": None, "at": str(NOW), "count": 3}
    assert (entry.actor, entry.at) == ("x" * 80, NOW)


def test_entry_names_actor_means_and_address(alice: Account) -> None:
    for actor in (
        Actor(Means.SESSION, "alice", alice.id, "192.0.2.1"),
        Actor(Means.COMMAND_LINE, "root"),
        Actor(Means.COMMAND_LINE),
        Actor(Means.SETUP_LINK),
    ):
        write(actor, "any", alice)
    found = [(entry.actor, entry.actor_id, entry.means, entry.address) for entry in run(entries, alice.id)]
    assert found == [
        ("setup link", None, "setup link", None),
        ("command line", None, "command line", None),
        ("command line (root)", None, "command line", None),
        ("alice", alice.id, "session", "192.0.2.1"),
    ]


def test_entry_has_a_target_and_the_changed_fields(alice: Account) -> None:
    changes = {"before": {"role": "user", "name": "A"}, "after": {"role": "admin", "name": "A"}}
    write(OPERATOR, "edit", alice, **changes)
    write(OPERATOR, "create", alice, target="key:moe-sk-1", after={"label": "laptop"})
    created, edited = run(entries, alice.id)
    assert (edited.target, edited.before, edited.after) == (
        f"account:{alice.id}",
        '{"role": "user"}',
        '{"role": "admin"}',
    )
    assert (created.target, created.before, created.after) == ("key:moe-sk-1", None, '{"label": "laptop"}')


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_log",
        "UPDATE audit_log SET actor = 'mallory'",
        "UPDATE audit_log SET details = '{}' WHERE action = 'any'",
    ],
)
def test_database_refuses_to_change_entries(db: Database, alice: Account, statement: str) -> None:
    write(OPERATOR, "any", alice, count=1)
    with pytest.raises(DatabaseError, match="neither changed nor deleted"):
        run(lambda session: session.execute(text(statement)))
    (entry,) = run(entries, alice.id)
    assert (entry.actor, entry.details) == (str(OPERATOR), '{"count": 1}')


def test_postgresql_refuses_to_empty_the_log(db: Database, alice: Account) -> None:
    write(OPERATOR, "any", alice)
    if db.engine.dialect.name == "postgresql":  # SQLite has no TRUNCATE
        with pytest.raises(DatabaseError, match="neither changed nor deleted"):
            run(lambda session: session.execute(text("TRUNCATE audit_log")))
    assert actions() == ["any"]


def test_old_entries_are_removed_in_batches(db: Database) -> None:
    for days in (3, 2, 1, 0):
        at = NOW - timedelta(days)
        run(write_at, at)
    assert run(remove_old_entries, NOW - timedelta(1), 1) == 1
    assert actions() == ["2 days ago", "1 days ago", "0 days ago"]
    assert run(remove_old_entries, NOW - timedelta(1), 10) == 1
    assert run(remove_old_entries, NOW - timedelta(1), 10) == 0
    assert actions() == ["1 days ago", "0 days ago"]


def test_newer_entries_stay_while_old_ones_are_removed(db: Database) -> None:
    def remove_all(session: Session) -> None:
        session.add(AuditPruning(id=1, before_at=NOW))
        session.flush()
        session.execute(text("DELETE FROM audit_log"))

    run(lambda session: add_entry(session, OPERATOR, "now", NOW))
    with pytest.raises(DatabaseError, match="neither changed nor deleted"):
        run(remove_all)
    assert actions() == ["now"]


@pytest.mark.parametrize("column", ["action", "means"])
def test_erasing_a_person_changes_no_action(db: Database, alice: Account, column: str) -> None:
    def erase(session: Session, column: str) -> None:
        with erasing(session, alice.id):
            session.execute(text(f"UPDATE audit_log SET {column} = 'x'"))

    write(OPERATOR, "any", alice)
    run(erase, "actor")
    with pytest.raises(DatabaseError, match="neither changed nor deleted"):
        run(erase, column)
    assert [(entry.actor, entry.action) for entry in run(entries, alice.id)] == [("x", "any")]
    assert run(lambda session: session.query(AuditPruning).count()) == 0
