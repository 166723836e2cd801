from datetime import datetime

import pytest
from sqlalchemy import text

from portal.actions.verification import verify_nightly
from portal.db.sql import session as door
from portal.db.sql.session import Database
from tests.api.conftest import Client
from tests.cast import NOW


def test_a_process_that_lives_says_so_without_asking_the_database(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "_database", None)
    assert client.get("/healthz").json() == {"status": "ok"}


def test_a_portal_that_can_work_is_ready(client: Client) -> None:
    assert client.get("/readyz").json() == {
        "status": "ready",
        "database": "ok",
        "migrations": "ok",
        "verification": None,
    }


def test_a_database_that_does_not_answer_is_told(client: Client, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = Database("sqlite:////nowhere/at/all.sqlite3")
    monkeypatch.setattr(door, "_database", stopped)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json() == {
        "error": "not_ready",
        "detail": "The database does not answer.",
        "database": "unreachable",
        "migrations": "unknown",
    }


@pytest.mark.parametrize("revision", ["0000", None])
def test_a_database_of_another_version_is_told(client: Client, db: Database, revision: str | None) -> None:
    with db.transaction() as session:
        session.execute(text("DELETE FROM alembic_version"))
        if revision is not None:
            session.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["migrations"]) == (503, "missing")


def test_the_last_verification_is_told(client: Client, db: Database) -> None:
    assert client.get("/readyz").json()["verification"] is None
    verify_nightly(NOW)
    told = client.get("/readyz").json()["verification"]
    assert (told["accounts"], told["requests"], told["differences"]) == (0, 0, 0)
    assert datetime.fromisoformat(told["finished_at"]).tzinfo is not None
