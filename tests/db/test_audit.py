"""The audit log."""

import json

from portal.db.audit import add_entry
from portal.db.tables import Account
from portal.rules.people.actors import Actor, Means
from tests.cast import NOW, run
from tests.queries import entries

ROOT = Actor(Means.SESSION, "root", 1)


def write(actor: Actor, action: str, account: Account | None, **details: object) -> None:
    run(lambda session: add_entry(session, actor, action, NOW, account_id=account.id if account else None, **details))


def test_entry_belongs_to_its_account(alice: Account, bob: Account) -> None:
    for action in ("first", "second", "third"):
        write(ROOT, action, alice)
    write(ROOT, "bobs", bob)
    write(ROOT, "nobodys", None)
    assert [entry.action for entry in run(entries, alice.id)] == ["third", "second", "first"]
    assert [entry.action for entry in run(entries, bob.id)] == ["bobs"]


def test_details_are_readable_whatever_they_are(alice: Account) -> None:
    write(Actor(Means.SESSION, "x" * 100), "any", alice, label='Läptop "1"', none=None, at=NOW, count=3)
    (entry,) = run(entries, alice.id)
    assert json.loads(entry.details) == {"label": 'Läptop "1"', "none": None, "at": str(NOW), "count": 3}
    assert (entry.actor, entry.at) == ("x" * 80, NOW)


def test_entry_names_actor_and_address(alice: Account) -> None:
    for actor in (
        Actor(Means.SESSION, "alice", alice.id, "192.0.2.1"),
        Actor(Means.COMMAND_LINE, "root"),
        Actor(Means.COMMAND_LINE),
        Actor(Means.SETUP_LINK),
    ):
        write(actor, "any", alice)
    found = [(entry.actor, json.loads(entry.details)) for entry in run(entries, alice.id)]
    assert found == [
        ("setup link", {}),
        ("command line", {}),
        ("command line (root)", {}),
        ("alice", {"address": "192.0.2.1"}),
    ]
