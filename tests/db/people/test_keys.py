"""API keys: which work, who owns them, and how people find them."""

from datetime import datetime, timedelta
from itertools import product

import pytest

from portal.db.people.keys import (
    active_keys,
    add_key,
    count_usable_keys,
    key,
    keys,
    matching_keys,
    note_last_use,
    note_use,
)
from portal.db.tables import Account, ApiKey
from portal.rules.people.keys import key_status
from tests.cast import NOW, run

HOUR = timedelta(hours=1)


def add(
    account: Account,
    label: str,
    *,
    created: datetime = NOW,
    expires: datetime | None = None,
    revoked: datetime | None = None,
    used: datetime | None = None,
    prefix: str = "moe-sk-0123456789",
) -> int:
    """Store a key with a digest that is its label."""

    def store(session):
        row = add_key(session, account.id, label, prefix[:16], label, expires, created)
        row.revoked_at, row.last_used_at = revoked, used
        return row.id

    found: int = run(store)
    return found


def labels(found: list[ApiKey]) -> list[str]:
    return [row.label for row in found]


def test_all_keys_the_usable_ones_first_then_the_newest(alice: Account, bob: Account) -> None:
    add(alice, "revoked long ago", created=NOW - 3 * HOUR, revoked=NOW)
    add(alice, "old", created=NOW - 2 * HOUR)
    add(alice, "new", created=NOW)
    add(alice, "newer at the same instant", created=NOW)
    add(alice, "revoked", created=NOW, revoked=NOW)
    add(bob, "Bob's")
    assert labels(run(keys, alice.id)) == [
        "newer at the same instant",
        "new",
        "old",
        "revoked",
        "revoked long ago",
    ]


def test_active_keys_are_those_that_work_last_used_first(alice: Account, bob: Account, charlie: Account) -> None:
    add(alice, "never used")
    add(alice, "used", used=NOW - HOUR)
    add(alice, "used last", used=NOW)
    add(alice, "revoked", revoked=NOW, used=NOW)
    add(alice, "expires later", expires=NOW + timedelta(microseconds=1), used=NOW - 2 * HOUR)
    add(alice, "expires now", expires=NOW, used=NOW)
    add(bob, "Bob's", used=NOW)
    assert labels(run(active_keys, alice.id, NOW)) == ["used last", "used", "expires later", "never used"]
    assert run(count_usable_keys, alice.id, NOW) == 4
    assert run(active_keys, charlie.id, NOW) == []
    assert run(count_usable_keys, charlie.id, NOW) == 0


def test_sql_and_rules_agree_on_which_keys_work(alice: Account) -> None:
    moments = [None, *(NOW + n * timedelta(microseconds=1) for n in (-1, 0, 1))]
    for number, (expires, revoked) in enumerate(product(moments, moments)):
        add(alice, f"key {number}", expires=expires, revoked=revoked)
    working = [row for row in run(keys, alice.id) if key_status(row.expires_at, row.revoked_at, NOW) == "active"]
    assert sorted(labels(run(active_keys, alice.id, NOW))) == sorted(labels(working))
    assert len(working) == run(count_usable_keys, alice.id, NOW) == 2


def test_one_key_is_its_owners(alice: Account, bob: Account) -> None:
    mine = add(alice, "mine")
    found = run(key, alice.id, mine)
    assert found is not None
    assert found.label == "mine"
    assert run(key, bob.id, mine) is None
    assert run(key, alice.id, 2**62) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("Läptop", ["Läptop 100%"], id="as it is written"),
        pytest.param("LÄPTOP", ["Läptop 100%"], id="in capitals, beyond ASCII"),
        pytest.param("la\u0308pt", ["Läptop 100%"], id="typed in two characters"),
        pytest.param("ptop", ["Läptop 100%"], id="anywhere in the label"),
        pytest.param("top", ["Läptop 100%", "Desktop_pc"], id="in several"),
        pytest.param("%", ["Läptop 100%"], id="a percent sign is no pattern"),
        pytest.param("_", ["Desktop_pc"], id="an underscore is no pattern"),
        pytest.param("\\", [], id="a backslash is no pattern"),
        pytest.param("STRASSE", ["Hauptstraße"], id="a letter that grows in capitals"),
        pytest.param("moe-sk-aa", ["Läptop 100%"], id="the prefix"),
        pytest.param("AABB", ["Läptop 100%"], id="anywhere in the prefix, in capitals"),
        pytest.param("ccdd", ["Desktop_pc"], id="of another key"),
        pytest.param("moe-sk", ["Läptop 100%", "Desktop_pc", "Hauptstraße"], id="what all begin with"),
        pytest.param("Bob", [], id="somebody else's label"),
        pytest.param("beef", [], id="somebody else's prefix"),
        pytest.param("zzz", [], id="nothing like it"),
    ],
)
def test_the_search_finds_labels_and_prefixes(alice: Account, bob: Account, text: str, found: list[str]) -> None:
    ids = {
        "Läptop 100%": add(alice, "Läptop 100%", prefix="moe-sk-aabb00000"),
        "Desktop_pc": add(alice, "Desktop_pc", prefix="moe-sk-ccdd00000"),
        "Hauptstraße": add(alice, "Hauptstraße", prefix="moe-sk-eeff00000", revoked=NOW),
    }
    add(bob, "Bob's Läptop", prefix="moe-sk-beef00000")
    assert sorted(run(matching_keys, alice.id, text)) == sorted(ids[label] for label in found)


def test_the_last_use_moves_forward_only(alice: Account) -> None:
    first, second = add(alice, "first"), add(alice, "second", used=NOW)
    run(note_last_use, {first: NOW - HOUR, second: NOW - HOUR})
    run(note_last_use, {2**62: NOW})
    run(note_last_use, {})
    uses = {row.label: row.last_used_at for row in run(keys, alice.id)}
    assert uses == {"first": NOW - HOUR, "second": NOW}
    run(note_last_use, {first: NOW, second: NOW + HOUR})
    uses = {row.label: row.last_used_at for row in run(keys, alice.id)}
    assert uses == {"first": NOW, "second": NOW + HOUR}


def test_a_use_is_noted_if_the_last_note_is_old_enough(alice: Account) -> None:
    def uses() -> dict[str, datetime | None]:
        return {row.label: row.last_used_at for row in run(keys, alice.id)}

    never, lately, long_ago = (
        add(alice, "never"),
        add(alice, "lately", used=NOW - HOUR / 2),
        add(alice, "long ago", used=NOW - HOUR),
    )
    add(alice, "another")
    for key_id in (never, lately, long_ago):
        run(note_use, key_id, NOW, HOUR)
    assert uses() == {"never": NOW, "lately": NOW - HOUR / 2, "long ago": NOW, "another": None}
    run(note_use, never, NOW - 3 * HOUR, HOUR)
    assert uses()["never"] == NOW
