"""`portal migrate`."""

from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import text

from portal.db.sql.schema import config, head
from portal.db.sql.session import Database, database
from tests.cli.terminal import fail, portal, rows, succeed
from tests.databases import Server

NOW = "2026-11-22 14:05:00+00:00"


@pytest.fixture
def older(databases: Server, settings_env: object) -> Iterator[Database]:
    """A database of an earlier version in which several accounts have one address."""
    url = databases.new_url()
    settings_env(database_url=url)  # type: ignore[operator]
    made = Database(url)
    with made.engine.begin() as connection:
        command.upgrade(config(connection), "0004")
        for name, email in {"mara": "m@e.org", "mara2": "M@E.org", "al": "a@e.org", "ali": "A@e.org"}.items():
            values = "VALUES (:name, :name, :email, 'user', true, 'en', 'system', :now)"
            columns = "username, display_name, email, role, active, language, theme, created_at"
            statement = text(f"INSERT INTO accounts ({columns}) {values}")
            connection.execute(statement, {"name": name, "email": email, "now": NOW})
    made.close()
    yield made
    database().close()


def emails() -> list[tuple[str, str]]:
    return sorted((row[0], row[2]) for row in rows(succeed("user", "list")))


def test_an_up_to_date_database_stays_as_it_is(db: Database) -> None:
    assert succeed("migrate") == f"The schema is up to date ({head()}).\n"


@pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"])
def test_shared_addresses_are_named_with_a_command(older: Database, database_kind: str) -> None:
    printed = fail("migrate")
    assert "m@e.org belongs to mara and mara2; a@e.org belongs to al and ali" in printed
    words = printed.split("For instance: portal ")[1].split()
    assert words == ["migrate", "--keep-email", "mara", "--keep-email", "al"]
    printed = fail("migrate", "--keep-email", "mara2")
    assert "a@e.org belongs to al and ali" in printed
    assert printed.endswith("portal migrate --keep-email mara2 --keep-email al")
    assert succeed("migrate", "--keep-email", "Mara2", "--keep-email", "al") == f"Migrated from 0004 to {head()}.\n"
    assert emails() == [("al", "a@e.org"), ("ali", ""), ("mara", ""), ("mara2", "M@E.org")]


def test_a_person_at_a_terminal_is_asked(older: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.cli.migrate.can_ask", lambda: True)
    done = portal("migrate", "--keep-email", "mara2", typed="nobody\nali\n")
    assert done.exit_code == 0, done.output
    assert "Which account keeps a@e.org? (al, ali)" in done.stderr
    assert "m@e.org?" not in done.stderr
    assert emails() == [("al", ""), ("ali", "A@e.org"), ("mara", ""), ("mara2", "M@E.org")]
