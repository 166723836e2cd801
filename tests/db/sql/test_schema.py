"""Migrations: they make the tables of the code, they can be undone, and they refuse unknown databases."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from portal.db.spending.prices import price_book
from portal.db.sql.schema import (
    WrongDatabase,
    check_budget_timezone,
    config,
    head,
    known_revisions,
    migrate,
    pin_budget_timezone,
    pinned_budget_timezone,
    repin_budget_timezone,
    revision,
)
from portal.db.sql.session import Database, run_in_reading, run_in_transaction
from portal.db.tables import Account, Table
from portal.rules.spending.prices import Price
from tests.cast import Gateway, acting, create_member, new_gateway, report, send
from tests.databases import Server


@pytest.fixture
def empty(databases: Server) -> Iterator[Database]:
    database = Database(databases.new_url())
    yield database
    database.close()


def tables_of(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def migrate_to(database: Database, revision: str) -> None:
    with database.engine.begin() as connection:
        command.upgrade(config(connection), revision)


def test_migrations_make_what_the_tables_say(db: Database) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Table.metadata) == []
        assert revision(connection) == head()


def test_an_empty_database_becomes_a_ledger(empty: Database) -> None:
    migrate(empty)
    assert tables_of(empty) == set(Table.metadata.tables) | {"alembic_version"}
    with empty.reading() as session:
        assert price_book(session) == [Price(Decimal("0.00002"), None)]


def test_migrating_again_changes_nothing(db: Database, alice: Account) -> None:
    migrate(db)
    assert tables_of(db) == set(Table.metadata.tables) | {"alembic_version"}
    with db.reading() as session:
        assert len(price_book(session)) == 1
        assert session.get(Account, alice.id) is not None


def test_every_migration_can_be_undone_and_done_again(empty: Database) -> None:
    migrate(empty)
    with empty.engine.begin() as connection:
        command.downgrade(config(connection), "base")
    assert tables_of(empty) == {"alembic_version"}
    migrate(empty)
    assert set(Table.metadata.tables) < tables_of(empty)


def test_a_database_with_usage_can_be_taken_back(empty: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of dropping must suit the keys between tables that have rows in them."""
    from portal.actions.metering.notes import write_note
    from portal.db.metering.events import count_events
    from tests.cast import NOW, run

    migrate(empty)
    monkeypatch.setattr("portal.db.sql.session._database", empty)
    alice = create_member("alice")
    gateway = new_gateway("moe-1")
    send(gateway, report())
    run(write_note, acting(alice), 1, "why?", NOW)
    assert run(count_events) == 1
    with empty.engine.begin() as connection:
        command.downgrade(config(connection), "base")
    assert tables_of(empty) == {"alembic_version"}


def test_crossings_keep_their_mails_when_their_key_changes(empty: Database) -> None:
    """SQLite copies the table of crossings, to which mails refer."""
    migrate_to(empty, "0003")
    insert = [
        "INSERT INTO accounts (id, username, display_name, email, role, active, language, theme, created_at) "
        "VALUES (1, 'a', 'A', 'a@example.org', 'user', true, 'en', 'system', '2026-11-22')",
        'INSERT INTO crossings (id, account_id, period, start, threshold, consumed, "limit", crossed_at) '
        "VALUES (7, 1, 'daily', '2026-11-22', 80, 80, 100, '2026-11-22')",
        "INSERT INTO mails (id, account_id, crossing_id, kind, message_id, recipient, subject, text, html, state, "
        "tries, next_try_at, created_at) VALUES (3, 1, 7, 'alert', 'm', 'a@example.org', 's', 't', 'h', 'sent', 1, "
        "'2026-11-22', '2026-11-22')",
    ]
    again = (
        'INSERT INTO crossings (account_id, period, start, threshold, consumed, "limit", crossed_at) '
        "VALUES (1, 'daily', '2026-11-22', 80, 80, 1000, '2026-11-22')"
    )
    with empty.engine.begin() as connection:
        for statement in insert:
            connection.execute(text(statement))
    migrate_to(empty, "0004")
    with empty.engine.begin() as connection:
        connection.execute(text("SELECT 1 FROM crossings"))
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT setval('crossings_id_seq', 100)"))
        connection.execute(text(again))
        assert connection.execute(text("SELECT crossing_id FROM mails")).all() == [(7,)]
    with empty.engine.begin() as connection:
        command.downgrade(config(connection), "0003")
        assert connection.execute(text("SELECT id FROM crossings")).all() == [(7,)]
        assert connection.execute(text("SELECT crossing_id FROM mails")).all() == [(7,)]


def test_forecasts_get_a_kind_and_lose_it_again(empty: Database) -> None:
    migrate_to(empty, "0008")
    columns = 'account_id, period, start, threshold, consumed, "limit", crossed_at'
    with empty.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO accounts (id, username, display_name, email, role, active, language, theme, created_at) "
                "VALUES (1, 'a', 'A', '', 'user', true, 'en', 'system', '2026-11-22')"
            )
        )
        for id, threshold in ((7, 80), (8, 0)):
            values = {"id": id, "threshold": threshold}
            row = "1, 'daily', '2026-11-22', :threshold, 80, 100, '2026-11-22'"
            connection.execute(text(f"INSERT INTO crossings (id, {columns}) VALUES (:id, {row})"), values)
            connection.execute(
                text(
                    "INSERT INTO mails (account_id, crossing_id, kind, message_id, recipient, subject, text, html, "
                    "state, tries, next_try_at, created_at) VALUES (1, :id, 'alert', 'm-' || :id, '', 's', 't', 'h', "
                    "'sent', 1, '2026-11-22', '2026-11-22')"
                ),
                values,
            )
    migrate_to(empty, "0009")
    linked = "SELECT c.id, c.kind, c.threshold FROM crossings c JOIN mails ON crossing_id = c.id ORDER BY c.id"
    with empty.engine.begin() as connection:
        assert connection.execute(text(linked)).all() == [(7, "threshold", 80), (8, "forecast", None)]
    with empty.engine.begin() as connection:
        command.downgrade(config(connection), "0008")
        before = linked.replace("c.kind, ", "")
        assert connection.execute(text(before)).all() == [(7, 80), (8, 0)]


def test_several_starts_at_once_migrate_once(databases: Server) -> None:
    url = databases.new_url()
    starting = [Database(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(migrate, database) for database in starting]:
            done.result()
    with starting[0].reading() as session:
        assert len(price_book(session)) == 1
    for database in starting:
        database.close()


def test_a_database_of_a_newer_program_is_refused(empty: Database) -> None:
    migrate(empty)
    with empty.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(WrongDatabase, match=r"revision 9999, .* does not know"):
        migrate(empty)
    with empty.engine.connect() as connection:
        assert revision(connection) == "9999"
    assert tables_of(empty) == set(Table.metadata.tables) | {"alembic_version"}


def test_an_empty_database_has_no_revision(empty: Database) -> None:
    with empty.engine.connect() as connection:
        assert revision(connection) is None
    assert head() in known_revisions()


@pytest.mark.parametrize("column", ["prompt_tokens", "completion_tokens", "billable_tokens", "cost_nano_eur"])
def test_the_database_itself_refuses_negative_usage(
    db: Database, alice: Account, gateway: Gateway, column: str
) -> None:
    send(gateway, report())
    with pytest.raises(IntegrityError), db.transaction() as session:
        session.execute(text(f"UPDATE usage_events SET {column} = -1"))


def test_the_zone_of_budget_days_stays_as_it_was(db: Database) -> None:
    check_budget_timezone(db, "Europe/Berlin")
    pin_budget_timezone(db, "Europe/Berlin")
    pin_budget_timezone(db, "Europe/Berlin")
    with pytest.raises(WrongDatabase, match="counted in Europe/Berlin, but PORTAL_BUDGET_TIMEZONE is UTC"):
        pin_budget_timezone(db, "UTC")
    with pytest.raises(WrongDatabase, match="counted in Europe/Berlin"):
        check_budget_timezone(db, "UTC")
    check_budget_timezone(db, "Europe/Berlin")
    assert run_in_reading(pinned_budget_timezone) == "Europe/Berlin"


def test_without_a_name_the_stored_zone_stays(db: Database) -> None:
    assert check_budget_timezone(db, None) == "UTC"
    pin_budget_timezone(db, "Europe/Berlin")
    assert pin_budget_timezone(db, None) == check_budget_timezone(db, None) == "Europe/Berlin"


def test_without_any_zone_days_are_those_of_utc(db: Database) -> None:
    assert pin_budget_timezone(db, None) == "UTC"
    assert run_in_reading(pinned_budget_timezone) == "UTC"


def test_looking_at_the_zone_pins_nothing(db: Database) -> None:
    check_budget_timezone(db, "Europe/Berlin")
    assert run_in_reading(pinned_budget_timezone) is None


def test_repinning_changes_the_zone(db: Database) -> None:
    pin_budget_timezone(db, "Europe/Berlin")
    run_in_transaction(repin_budget_timezone, "UTC")
    pin_budget_timezone(db, "UTC")
    assert run_in_reading(pinned_budget_timezone) == "UTC"
