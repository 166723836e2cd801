"""`portal held`."""

import json

import pytest

from portal.db.tables import Account
from tests.cast import Gateway, report, send
from tests.cli.terminal import audit, fail, misuse, portal, rows, succeed


@pytest.fixture
def held(alice: Account, gateway: Gateway) -> list[str]:
    """The numbers of two events of an unknown key and one contradiction."""
    send(gateway, report("r-1"), report("lost-1", key_hash="e" * 64), report("lost-2", username="nobody"))
    send(gateway, report("r-1", prompt_tokens=1))
    found = {row[2]: row[0] for row in rows(succeed("held", "list"))}
    return [found["lost-1"], found["lost-2"], found["r-1"]]


def test_held_events_are_listed_and_shown_with_digests(held: list[str]) -> None:
    assert sorted(row[2:4] for row in rows(succeed("held", "list"))) == [
        ["lost-1", "unattributed"],
        ["lost-2", "unattributed"],
        ["r-1", "conflict"],
    ]
    assert json.loads(succeed("held", "show", held[0]))["key_hash"] == "e" * 64


def test_they_are_assigned_once_and_dismissed(held: list[str]) -> None:
    assert succeed("held", "assign", "alice", *held[:2]) == "Counted 2 events for alice.\n"
    assert portal("verify").exit_code == 0
    assert "settled before" in fail("held", "assign", "alice", held[0])
    assert "contradicts" in fail("held", "assign", "alice", held[2])
    succeed("held", "dismiss", held[2])
    assert rows(succeed("held", "list")) == []
    assert len(rows(succeed("held", "list", "--all"))) == 3
    assert [entry[0] for entry in audit()][-3:] == ["held.assign", "held.assign", "held.dismiss"]


def test_unknown_held_event_is_not_found(held: list[str]) -> None:
    assert "No event is held" in fail("held", "show", "999999")
    assert "no account called nobody" in fail("held", "assign", "nobody", held[0])
    misuse("held", "assign", "alice")
    misuse("held", "show", "seven")
