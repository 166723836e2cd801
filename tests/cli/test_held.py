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
    assert sorted(row[2:7] for row in rows(succeed("held", "list"))) == [
        ["lost-1", "unattributed", "qwen3:32b", "–", "eeeeeeeeeeee"],
        ["lost-2", "unattributed", "qwen3:32b", "nobody", "–"],
        ["r-1", "conflict", "qwen3:32b", "alice", "–"],
    ]
    assert json.loads(succeed("held", "show", held[0]))["key_hash"] == "e" * 64


def test_they_are_assigned_once_and_dismissed(held: list[str]) -> None:
    assert succeed("held", "assign", "alice", *held[:2]) == "Counted 2 events for alice.\n"
    assert portal("verify").exit_code == 0
    again = portal("held", "assign", "alice", *held)
    assert (again.exit_code, again.stdout) == (1, "Counted 0 events for alice.\n")
    assert [word for word in ("settled before", "contradicts") if word in again.stderr] == [
        "settled before",
        "contradicts",
    ]
    succeed("held", "dismiss", held[2], "--reason", "a test")
    assert rows(succeed("held", "list")) == []
    assert len(rows(succeed("held", "list", "--all"))) == 3
    assert [entry[0] for entry in audit()][-3:] == ["held.assign", "held.assign", "held.dismiss"]


def test_every_event_that_matches_is_settled(held: list[str]) -> None:
    assert succeed("held", "assign", "alice", "--every", "--search", "NOBODY") == "Counted 1 event for alice.\n"
    assert succeed("held", "dismiss", "--every") == "Dismissed 2 events.\n"
    assert json.loads(succeed("held", "list", "--json")) == []


@pytest.mark.parametrize("words", ["", "--search lost", "7 --every", "7 --search lost"])
def test_events_must_be_chosen(held: list[str], words: str) -> None:
    for command in (("assign", "alice"), ("dismiss",)):
        assert "either numbers, or --every" in misuse("held", *command, *words.split())


def test_unknown_held_event_is_not_found(held: list[str]) -> None:
    assert "No event is held" in fail("held", "show", "999999")
    assert "no account called nobody" in fail("held", "assign", "nobody", held[0])
    misuse("held", "show", "seven")
