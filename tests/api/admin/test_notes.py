"""The notes of all people: found by a search, of which each is in the audit log."""

import pytest

from portal.actions.metering.notes import write_note
from portal.api.admin.notes import COLUMNS
from portal.db.tables import Account
from tests.api.account.test_usage_export import READERS
from tests.api.conftest import As
from tests.cast import NOW, Gateway, acting, audit_log, report, run, send

NOTES = "/admin/api/notes"


@pytest.fixture
def noted(alice: Account, bob: Account, gateway: Gateway) -> None:
    """Notes of Alice and of Bob."""
    send(gateway, report("a"), report("b", username="bob"))
    run(write_note, acting(alice), 1, "Why so <b>long</b>?", NOW)
    run(write_note, acting(bob), 2, "Zu LANG", NOW)


@pytest.mark.parametrize(
    ("params", "found"),
    [({"search": "LONG"}, [1]), ({"search": "lang"}, [2]), ({"account": "Alice"}, [1]), ({"search": "n"}, [2, 1])],
    ids=str,
)
def test_search_finds_notes_and_is_audited(
    noted: None, admin: Account, as_: As, params: dict[str, str], found: list[int]
) -> None:
    answer = as_(admin).get(NOTES, params=params).json()
    assert [item["usage_id"] for item in answer["items"]] == found
    assert audit_log()[-1] == ("root", "notes.search", params | {"results": len(found)})
    rows = READERS["csv"](as_(admin).get(f"{NOTES}/export", params=params | {"format": "csv"}).content)
    assert [int(row["usage_id"]) for row in rows] == found
    assert all(tuple(row) == COLUMNS for row in rows)
    assert audit_log()[-1] == audit_log()[-2]


def test_a_note_has_its_person_and_request(noted: None, admin: Account, as_: As) -> None:
    (item,) = as_(admin).get(NOTES, params={"account": "alice"}).json()["items"]
    assert item == {
        "usage_id": 1,
        "username": "alice",
        "text": "Why so <b>long</b>?",
        "updated_at": "2026-11-22T14:05:00Z",
        "model": "qwen3:32b",
        "requested_at": "2026-11-22T14:05:00Z",
    }


def test_without_a_search_there_are_no_notes(noted: None, alice: Account, admin: Account, as_: As) -> None:
    before = audit_log()
    for path in (NOTES, f"{NOTES}/export"):
        assert as_(admin).get(path).status_code == 422
        assert as_(alice).get(path, params={"search": "long"}).status_code == 403
    assert audit_log() == before
