from datetime import datetime

import pytest
from sqlalchemy import text

from portal.actions.metering.verification import verify_nightly
from portal.db.sql import session as door
from portal.db.sql.session import Database
from tests.api.conftest import Client
from tests.cast import NOW


def test_health_does_not_ask_the_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_database", None)
    assert client.get("/healthz").json() == {"status": "ok"}


def test_a_portal_that_can_work_is_ready(client: Client) -> None:
    assert client.get("/readyz").json() == {
        "status": "ready",
        "database": "ok",
        "migrations": "ok",
        "verification": None,
    }


def test_database_without_an_answer_is_not_ready(client: Client, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_database_of_another_version_is_not_ready(client: Client, db: Database, revision: str | None) -> None:
    with db.transaction() as session:
        session.execute(text("DELETE FROM alembic_version"))
        if revision is not None:
            session.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["migrations"]) == (503, "missing")


def test_last_verification_is_answered(client: Client, db: Database) -> None:
    assert client.get("/readyz").json()["verification"] is None
    verify_nightly(NOW)
    verification = client.get("/readyz").json()["verification"]
    assert (verification["accounts"], verification["requests"], verification["differences"]) == (0, 0, 0)
    assert datetime.fromisoformat(verification["finished_at"]).tzinfo is not None
