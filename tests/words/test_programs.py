"""Programs, logs and the command line get English, also if the caller or the terminal prefers another language."""

from pathlib import Path

import pytest

from portal.db.sql.session import Database
from portal.errors import NotFound
from portal.rules.messages import message
from portal.words import say, speaking
from tests.cli.terminal import fail
from tests.portals import running_portal

SENTENCE = message("There is no account called {name}.", name="nobody")


def test_command_line_stays_english(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    with speaking("de"):
        assert say(SENTENCE) == "Es gibt kein Konto namens nobody."
        assert str(SENTENCE) in fail("user", "suspend", "nobody")


def test_error_is_english_as_text() -> None:
    with speaking("de"):
        assert str(NotFound(SENTENCE)) == NotFound(SENTENCE).detail == "There is no account called nobody."


def test_json_stays_english(db: Database, tmp_path: Path) -> None:
    with running_portal() as program:
        answer = program.get("/user/api/budget", headers={"Accept-Language": "de"})
    assert (answer.status_code, answer.json()["detail"]) == (401, "Sign in first.")
