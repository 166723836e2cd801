"""Creating, naming and revoking API keys."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from portal.actions.people import keys as actions
from portal.actions.people.accounts import set_active
from portal.actions.people.deletion import delete_account
from portal.actions.people.keys import NewKey, create_key, rename_key, revoke_key
from portal.db.people.keys import keys
from portal.db.tables import Account
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound, NotSignedIn
from portal.rules.people.secrets import API_KEY, digest, is_secret
from tests import cast
from tests.cast import NOW, OPERATOR, acting, run
from tests.queries import entries

HOUR = timedelta(hours=1)


def opens(key: NewKey, now: datetime = NOW) -> bool:
    return cast.opens(key.secret, now)


def test_a_key_is_shown_once_and_kept_as_a_digest(alice: Account) -> None:
    new = run(create_key, acting(alice), alice.id, " Läptop ", None, NOW)
    assert is_secret(new.secret, API_KEY)
    assert (new.prefix, new.label) == (new.secret[:16], "Läptop")
    (row,) = run(keys, alice.id)
    assert (row.id, row.key_hash, row.prefix, row.label) == (new.id, digest(new.secret), new.prefix, "Läptop")
    assert (row.created_at, row.expires_at, row.revoked_at, row.last_used_at) == (NOW, None, None, None)
    assert opens(new)
    (entry,) = run(entries, alice.id)
    assert (entry.actor, entry.action) == ("alice", "key.create")
    assert entry.target == f"key:{new.prefix}"
    assert json.loads(entry.after or "") == {"label": "Läptop", "expires_at": None}
    assert new.secret[16:] not in repr(vars(entry)) + repr(vars(row))


def test_an_operator_creates_a_key_in_their_own_name(alice: Account) -> None:
    run(create_key, OPERATOR, alice.id, "Laptop", None, NOW)
    assert run(entries, alice.id)[0].actor == str(OPERATOR)


def test_a_key_may_end_by_itself(alice: Account) -> None:
    new = run(create_key, acting(alice), alice.id, "Laptop", NOW + HOUR, NOW)
    assert opens(new, NOW + HOUR - timedelta(microseconds=1))
    assert not opens(new, NOW + HOUR)


@pytest.mark.parametrize(
    ("label", "expires_at", "field"),
    [
        pytest.param("", None, "label", id="no label"),
        pytest.param("x" * 101, None, "label", id="a long label"),
        pytest.param("a\x00", None, "label", id="NUL"),
        pytest.param("\ud800", None, "label", id="half a character"),
        pytest.param("Laptop", NOW, "expires_at", id="an end now"),
        pytest.param("Laptop", NOW - HOUR, "expires_at", id="an end in the past"),
    ],
)
def test_malformed_keys_are_not_created(alice: Account, label: str, expires_at: datetime | None, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(create_key, acting(alice), alice.id, label, expires_at, NOW)
    assert caught.value.field == field
    assert run(keys, alice.id) == []
    assert run(entries, alice.id) == []


def test_there_are_only_so_many_keys_that_work(alice: Account, bob: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MOST_KEYS", 2)
    first = run(create_key, acting(alice), alice.id, "1", None, NOW)
    run(create_key, acting(alice), alice.id, "2", NOW + HOUR, NOW)
    with pytest.raises(Conflict, match="Revoke some"):
        run(create_key, acting(alice), alice.id, "3", None, NOW)
    run(create_key, acting(bob), bob.id, "1", None, NOW)
    run(revoke_key, acting(alice), alice.id, first.id, NOW)
    run(create_key, acting(alice), alice.id, "3", None, NOW)
    run(create_key, acting(alice), alice.id, "4", None, NOW + HOUR)


def test_a_label_is_changed(alice: Account, alices_key: NewKey) -> None:
    row = run(rename_key, acting(alice), alice.id, alices_key.id, " Desktop ", NOW)
    assert (row.label, run(keys, alice.id)[0].label) == ("Desktop", "Desktop")
    assert run(entries, alice.id)[0].action == "key.rename"
    with pytest.raises(InvalidInput) as caught:
        run(rename_key, acting(alice), alice.id, alices_key.id, "two\nlines", NOW)
    assert caught.value.field == "label"
    assert run(keys, alice.id)[0].label == "Desktop"


def test_a_revoked_key_ends_at_once_and_for_ever(alice: Account, alices_key: NewKey) -> None:
    assert opens(alices_key)
    assert run(revoke_key, acting(alice), alice.id, alices_key.id, NOW).revoked_at == NOW
    assert not opens(alices_key)
    assert run(revoke_key, acting(alice), alice.id, alices_key.id, NOW + HOUR).revoked_at == NOW
    assert [entry.action for entry in run(entries, alice.id)] == ["key.revoke", "key.create"]


def test_an_operator_revokes_keys_of_suspended_accounts_too(alice: Account, alices_key: NewKey) -> None:
    run(set_active, OPERATOR, alice.id, False, NOW)
    run(revoke_key, OPERATOR, alice.id, alices_key.id, NOW)
    run(set_active, OPERATOR, alice.id, True, NOW)
    assert not opens(alices_key)
    assert (str(OPERATOR), "key.revoke") in [(entry.actor, entry.action) for entry in run(entries, alice.id)]


CHANGES = pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda who, key_id: run(rename_key, acting(who), who.id, key_id, "taken", NOW), id="rename"),
        pytest.param(lambda who, key_id: run(revoke_key, acting(who), who.id, key_id, NOW), id="revoke"),
    ],
)
Change = Callable[[Account, int], Any]


@CHANGES
def test_somebody_elses_key_is_as_good_as_none(
    alice: Account, alices_key: NewKey, bob: Account, change: Change
) -> None:
    sentences = set()
    for key_id in (alices_key.id, 2**62):
        with pytest.raises(NotFound) as caught:
            change(bob, key_id)
        sentences.add(caught.value.detail)
    assert len(sentences) == 1
    assert opens(alices_key)
    assert run(keys, alice.id)[0].label == "Alice's laptop"


@CHANGES
def test_an_open_page_of_a_suspended_account_changes_no_key(alice: Account, alices_key: NewKey, change: Change) -> None:
    run(set_active, OPERATOR, alice.id, False, NOW)
    with pytest.raises(NotSignedIn):
        change(alice, alices_key.id)
    with pytest.raises(NotSignedIn):
        run(create_key, acting(alice), alice.id, "another", None, NOW)
    (row,) = run(keys, alice.id)
    assert (row.label, row.revoked_at) == ("Alice's laptop", None)


def test_keys_of_other_accounts_are_forbidden(alice: Account, alices_key: NewKey, bob: Account) -> None:
    changes: list[Callable[[], object]] = [
        lambda: run(create_key, acting(bob), alice.id, "another", None, NOW),
        lambda: run(rename_key, acting(bob), alice.id, alices_key.id, "taken", NOW),
        lambda: run(revoke_key, acting(bob), alice.id, alices_key.id, NOW),
    ]
    for change in changes:
        with pytest.raises(Forbidden):
            change()
    (row,) = run(keys, alice.id)
    assert (row.label, row.revoked_at) == ("Alice's laptop", None)


def test_operator_gives_no_key_to_a_suspended_account(alice: Account) -> None:
    run(set_active, OPERATOR, alice.id, False, NOW)
    with pytest.raises(Conflict, match="portal user activate alice"):
        run(create_key, OPERATOR, alice.id, "Laptop", None, NOW)
    run(delete_account, OPERATOR, alice.id, NOW)
    with pytest.raises(Conflict, match="was deleted"):
        run(create_key, OPERATOR, alice.id, "Laptop", None, NOW)


def test_an_administrator_revokes_keys_of_others_only(alice: Account, bob: Account, admin: Account) -> None:
    made = run(create_key, acting(alice), alice.id, "laptop", None, NOW)
    with pytest.raises(Forbidden):
        run(revoke_key, acting(bob), alice.id, made.id, NOW)
    with pytest.raises(Forbidden):
        run(rename_key, acting(admin), alice.id, made.id, "mine", NOW)
    assert run(revoke_key, acting(admin), alice.id, made.id, NOW).revoked_at == NOW
