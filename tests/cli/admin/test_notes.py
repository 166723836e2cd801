"""`portal note`."""

import json

from portal.actions.metering.notes import write_note
from portal.db.tables import Account
from tests.cast import NOW, Gateway, acting, audit_log, report, run, send
from tests.cli.terminal import fail, rows, succeed


def test_notes_are_found_and_the_search_is_audited(alice: Account, gateway: Gateway) -> None:
    send(gateway, report("a"))
    run(write_note, acting(alice), 1, "two\nlines", NOW)
    assert [row[1:] for row in rows(succeed("note", "list", "--search", "LINES"))] == [
        ["alice", "qwen3:32b", "2026-11-22 14:05 UTC", "two lines"]
    ]
    assert audit_log()[-1][1:] == ("notes.search", {"search": "LINES", "results": 1})
    (found,) = json.loads(succeed("note", "list", "--account", "alice", "--json"))
    assert found["text"] == "two\nlines"
    assert "Search for a text" in fail("note", "list")
