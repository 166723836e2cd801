"""Writing notes on one's own requests."""

import pytest

from portal.actions.metering.notes import write_note
from portal.actions.people.accounts import set_active
from portal.db.metering.notes import note
from portal.db.tables import Account, UsageEvent
from portal.errors import InvalidInput, NotFound, NotSignedIn
from portal.rules.text import MAX_NOTE
from tests.cast import NOW, OPERATOR, Gateway, acting, report, run, send
from tests.queries import entries


@pytest.fixture
def usage_id(alice: Account, gateway: Gateway) -> int:
    """A request of Alice's."""
    send(gateway, report())
    found: int = run(lambda session: session.query(UsageEvent.id).scalar())
    return found


def test_a_note_is_written_changed_and_deleted(alice: Account, usage_id: int) -> None:
    assert run(write_note, acting(alice), usage_id, " Why\r\nso long? ", NOW) == "Why\nso long?"
    assert run(write_note, acting(alice), usage_id, "A loop.", NOW) == "A loop."
    assert run(note, alice.id, usage_id) == "A loop."
    assert run(write_note, acting(alice), usage_id, " \n ", NOW) is None
    assert run(note, alice.id, usage_id) is None
    assert run(write_note, acting(alice), usage_id, "", NOW) is None


def test_a_note_is_private_so_the_audit_log_does_not_tell(alice: Account, usage_id: int) -> None:
    run(write_note, acting(alice), usage_id, "A secret.", NOW)
    assert run(entries, alice.id) == []


def test_somebody_elses_request_is_as_good_as_none(alice: Account, bob: Account, usage_id: int) -> None:
    run(write_note, acting(alice), usage_id, "Mine.", NOW)
    sentences = set()
    for each in (usage_id, 2**62):
        for text in ("Bob was here.", ""):
            with pytest.raises(NotFound) as caught:
                run(write_note, acting(bob), each, text, NOW)
            sentences.add(caught.value.detail)
    assert len(sentences) == 1
    assert run(note, alice.id, usage_id) == "Mine."


@pytest.mark.parametrize(
    "text",
    ["x" * (MAX_NOTE + 1), "a\x00", "\ud800", "\x1b[0m"],
    ids=["too long", "NUL", "half a character", "an escape sequence"],
)
def test_a_malformed_note_changes_nothing(alice: Account, usage_id: int, text: str) -> None:
    run(write_note, acting(alice), usage_id, "Before.", NOW)
    with pytest.raises(InvalidInput) as caught:
        run(write_note, acting(alice), usage_id, text, NOW)
    assert caught.value.field == "note"
    assert run(note, alice.id, usage_id) == "Before."


def test_the_longest_note_fits(alice: Account, usage_id: int) -> None:
    longest = "🦙" * MAX_NOTE
    run(write_note, acting(alice), usage_id, longest, NOW)
    assert run(note, alice.id, usage_id) == longest


def test_an_open_page_of_a_suspended_account_writes_no_note(alice: Account, usage_id: int) -> None:
    run(set_active, OPERATOR, alice.id, False, NOW)
    with pytest.raises(NotSignedIn):
        run(write_note, acting(alice), usage_id, "Still here.", NOW)
    assert run(note, alice.id, usage_id) is None


def test_a_request_that_is_pruned_at_this_moment_is_not_found(alice: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.actions.metering.notes.owns_usage", lambda *_: True)  # it was there a moment ago
    with pytest.raises(NotFound):
        run(write_note, acting(alice), 12345, "Too late.", NOW)
