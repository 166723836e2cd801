"""Changing and importing many accounts as JSON."""

from typing import Any

import pytest

from portal.db.sql.session import Database
from portal.db.tables import Account
from tests.api.conftest import As, Client, everything
from tests.cast import create_member, new_team

BULK, IMPORT = "/admin/api/accounts/bulk", "/admin/api/accounts/import"
FILE = "username;email\ndora;dora@example.org\nalice;other@example.org\n"
TEXT = {"Content-Type": "text/csv"}


@pytest.fixture
def root(admin: Account, alice: Account, as_: As) -> Client:
    """An administrator with a session, beside Alice."""
    return as_(admin)


def test_accounts_of_a_filter_are_changed(root: Client, alice: Account) -> None:
    new_team("Physics")
    answer = root.post(BULK, json={"action": "team", "name": "Physics", "filter": {"role": "user"}})
    assert answer.json() == {"total": 1, "changed": 1, "unchanged": 0, "left_out": [], "stopped": None}
    listed = root.get("/admin/api/accounts", params={"team": "physics"}).json()["items"]
    assert [(item["username"], item["team"]) for item in listed] == [("alice", "Physics")]
    assert root.get("/admin/api/accounts", params={"team": "-"}).json()["items"][0]["username"] == "root"


def test_reasons_are_named(root: Client, admin: Account, alice: Account) -> None:
    create_member("second", role="admin")
    answer = root.post(BULK, json={"action": "suspend", "ids": [alice.id, admin.id]}).json()
    assert (answer["changed"], answer["left_out"]) == (
        1,
        [{"username": "root", "reason": "This is your own account."}],
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"action": "delete", "ids": [1]},
        {"action": "suspend"},
        {"action": "suspend", "ids": []},
        {"action": "suspend", "ids": [0]},
        {"action": "suspend", "ids": ["1"]},
        {"action": "suspend", "ids": [1], "filter": {}},
        {"action": "suspend", "filter": {"role": "king"}},
        {"action": "suspend", "filter": {"nonsense": "1"}},
        {"action": "team", "ids": [1], "name": "Nobody"},
        {"action": "budget", "ids": [1], "budget": {"daily": -1}},
    ],
    ids=str,
)
def test_wrong_change_changes_nothing(root: Client, db: Database, body: dict[str, Any]) -> None:
    before = everything(db)
    assert root.post(BULK, json=body).status_code == 422
    assert everything(db) == before


def test_preview_has_each_row(root: Client, db: Database) -> None:
    before = everything(db)
    answer = root.post(IMPORT, params={"preview": "true"}, content=FILE, headers=TEXT).json()
    assert {name: answer[name] for name in ("preview", "encoding", "separator", "right", "wrong")} == {
        "preview": True,
        "encoding": "UTF-8",
        "separator": ";",
        "right": 1,
        "wrong": 1,
    }
    problems = [(row["line"], row["username"], row["problem"]) for row in answer["rows"]]
    assert problems == [(2, "dora", None), (3, "alice", "There is an account called alice already.")]
    assert everything(db) == before


def test_import_leaves_wrong_rows_out_on_request(root: Client) -> None:
    assert root.post(IMPORT, content=FILE, headers=TEXT).status_code == 409
    answer = root.post(IMPORT, params={"skip_wrong": "true"}, content=FILE, headers=TEXT).json()
    assert [(made["username"], "?token=" in made["password_link"]) for made in answer["accounts"]] == [("dora", True)]
    assert [row["username"] for row in answer["rows"]] == ["alice"]


@pytest.mark.parametrize(
    ("content", "kind", "params", "status"),
    [
        ("username,email\n", "text/csv", {}, 422),
        ("{}", "application/json", {}, 415),
        (FILE, "text/csv", {"links": "print"}, 422),
        (FILE, "text/csv", {"nonsense": "1"}, 422),
        ("username,email\n" + "x" * 5_000_001, "text/csv", {}, 413),
    ],
    ids=["no rows", "JSON", "links", "parameter", "too large"],
)
def test_wrong_file_is_refused(root: Client, content: str, kind: str, params: dict[str, str], status: int) -> None:
    assert root.post(IMPORT, content=content, params=params, headers={"Content-Type": kind}).status_code == status
