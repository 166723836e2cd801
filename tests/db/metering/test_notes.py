"""Notes are their owner's alone."""

from datetime import timedelta

import pytest

from portal.db.metering.notes import delete_note, note, owns_usage, set_note
from portal.db.metering.usage import Selection, usage_row, usage_rows
from portal.db.tables import Account, Note
from tests.cast import NOW, Gateway, report, run, send

EVER = Selection(NOW - timedelta(days=1), NOW + timedelta(days=1))


@pytest.fixture
def requests(alice: Account, bob: Account, gateway: Gateway) -> dict[str, int]:
    """The id of one request of each."""
    send(gateway, report("a", username="alice"), report("b", username="bob"))
    return {
        who.username: run(lambda session, id: next(usage_rows(session, id, EVER)).id, who.id) for who in (alice, bob)
    }


def test_a_note_is_on_its_owners_row(requests: dict[str, int], alice: Account, bob: Account) -> None:
    run(set_note, alice.id, requests["alice"], "Why?", NOW)
    assert run(note, alice.id, requests["alice"]) == "Why?"
    row = run(usage_row, alice.id, requests["alice"])
    assert row is not None
    assert row.note == "Why?"
    assert run(note, bob.id, requests["alice"]) is None
    assert run(note, bob.id, requests["bob"]) is None


def test_bobs_note_is_never_on_alices_row(requests: dict[str, int], alice: Account, bob: Account) -> None:
    """Not even if one got onto her request: the page asks for notes of the request's own account."""
    run(
        lambda session: session.add(
            Note(usage_id=requests["alice"], account_id=bob.id, text="Bob was here", updated_at=NOW)
        )
    )
    (row,) = run(lambda session: list(usage_rows(session, alice.id, EVER)))
    assert row.note is None
    assert run(note, alice.id, requests["alice"]) is None


def test_a_later_note_replaces_the_earlier(requests: dict[str, int], alice: Account) -> None:
    run(set_note, alice.id, requests["alice"], "Why?", NOW)
    run(set_note, alice.id, requests["alice"], "A loop in the script.", NOW + timedelta(hours=1))
    assert run(note, alice.id, requests["alice"]) == "A loop in the script."
    kept = run(lambda session: session.get_one(Note, requests["alice"]).updated_at)
    assert kept == NOW + timedelta(hours=1)


def test_only_its_owner_deletes_a_note(requests: dict[str, int], alice: Account, bob: Account) -> None:
    run(set_note, alice.id, requests["alice"], "Why?", NOW)
    run(delete_note, bob.id, requests["alice"])
    assert run(note, alice.id, requests["alice"]) == "Why?"
    run(delete_note, alice.id, requests["alice"])
    run(delete_note, alice.id, requests["alice"])
    assert run(note, alice.id, requests["alice"]) is None


def test_whose_request_it_is(requests: dict[str, int], alice: Account, bob: Account, charlie: Account) -> None:
    assert run(owns_usage, alice.id, requests["alice"])
    assert not run(owns_usage, bob.id, requests["alice"])
    assert not run(owns_usage, charlie.id, requests["bob"])
    assert not run(owns_usage, alice.id, 2**62)
