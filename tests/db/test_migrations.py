"""What migrations do with the rows of databases that are in use."""

from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import Connection, text

from portal.db.sql.schema import SharedEmails, config, head, migrate, revision
from portal.db.sql.session import Database
from tests.databases import Server

NOW = "2026-11-22 14:05:00+00:00"


@pytest.fixture
def empty(databases: Server) -> Iterator[Database]:
    database = Database(databases.new_url())
    yield database
    database.close()


def at_revision(database: Database, wanted: str, **emails: str) -> None:
    """Migrate an empty database to an older schema, with accounts that have these addresses."""
    with database.engine.begin() as connection:
        command.upgrade(config(connection), wanted)
        for username, email in emails.items():
            values = "VALUES (:username, :username, :email, 'user', true, 'en', 'system', :now)"
            columns = "username, display_name, email, role, active, language, theme, created_at"
            connection.execute(
                text(f"INSERT INTO accounts ({columns}) {values}"),
                {"username": username, "email": email, "now": NOW},
            )


def emails(connection: Connection, columns: str = "username, email, email_key") -> list[tuple[str, ...]]:
    return [tuple(row) for row in connection.execute(text(f"SELECT {columns} FROM accounts ORDER BY id"))]


def test_addresses_get_the_form_in_which_they_are_compared(empty: Database) -> None:
    at_revision(empty, "0004", alice="Alice@Example.org", bob="BÖB@example.org", none="", also_none="")
    migrate(empty)
    with empty.engine.connect() as connection:
        assert emails(connection) == [
            ("alice", "Alice@Example.org", "alice@example.org"),
            ("bob", "BÖB@example.org", "böb@example.org"),
            ("none", "", None),
            ("also_none", "", None),
        ]


def test_accounts_with_one_address_are_named_and_nothing_changes(empty: Database) -> None:
    at_revision(
        empty, "0004", mara="mara@example.org", alice="a@example.org", mara2="Mara@Example.org", al="A@example.org"
    )
    with pytest.raises(SharedEmails) as caught:
        migrate(empty)
    assert caught.value.accounts == {"mara@example.org": ["mara", "mara2"], "a@example.org": ["alice", "al"]}
    text = str(caught.value)
    assert "mara@example.org belongs to mara and mara2; a@example.org belongs to alice and al" in text
    assert "portal migrate --keep-email mara --keep-email alice" in text
    with empty.engine.connect() as connection:
        assert revision(connection) == "0004"
        assert [row[1] for row in emails(connection, "username, email")] == [
            "mara@example.org",
            "a@example.org",
            "Mara@Example.org",
            "A@example.org",
        ]


def test_the_chosen_account_keeps_the_address(empty: Database) -> None:
    at_revision(empty, "0004", mara="mara@e.org", mara2="Mara@E.org", mara3="MARA@e.org", bob="b@e.org")
    migrate(empty, keep_email=["mara2"])
    with empty.engine.connect() as connection:
        assert revision(connection) == head()
        assert emails(connection) == [
            ("mara", "", None),
            ("mara2", "Mara@E.org", "mara@e.org"),
            ("mara3", "", None),
            ("bob", "b@e.org", "b@e.org"),
        ]
        entries = connection.execute(text("SELECT actor, action, account_id, details FROM audit_log ORDER BY id")).all()
    assert [tuple(entry) for entry in entries] == [
        ("migration", "account.email", 1, '{"kept_by": 2}'),
        ("migration", "account.email", 3, '{"kept_by": 2}'),
    ]


@pytest.mark.parametrize(
    "keep", [pytest.param(["bob"], id="none of them"), pytest.param(["mara", "mara2"], id="several of them")]
)
def test_an_answer_that_does_not_decide_is_none(empty: Database, keep: list[str]) -> None:
    at_revision(empty, "0004", mara="mara@example.org", mara2="Mara@Example.org", bob="bob@example.org")
    with pytest.raises(SharedEmails, match=r"mara and mara2.*portal migrate (--keep-email bob )?--keep-email mara$"):
        migrate(empty, keep_email=keep)


def test_mails_stay_in_the_outbox_and_back(empty: Database) -> None:
    at_revision(empty, "0011", alice="alice@example.org")
    columns = "account_id, kind, message_id, recipient, subject, text, html, state, tries, next_try_at, created_at"
    values = "1, 'test', :message, 'alice@example.org', 'Test', 'text', '', 'queued', 0, :now, :now"
    with empty.engine.begin() as connection:
        for message in ("<1@portal>", "<2@portal>"):
            added = text(f"INSERT INTO mails ({columns}) VALUES ({values})")
            connection.execute(added, {"message": message, "now": NOW})
    migrate(empty)
    with empty.engine.begin() as connection:
        kept = connection.execute(text("SELECT id, message_id, channel, state FROM outbox ORDER BY id")).all()
        added = text(f"INSERT INTO outbox ({columns}, channel) VALUES ({values}, 'chat') RETURNING id")
        assert connection.execute(added, {"message": "<3@portal>", "now": NOW}).scalar_one() == 3
    assert kept == [(1, "<1@portal>", "mail", "queued"), (2, "<2@portal>", "mail", "queued")]
    with empty.engine.begin() as connection:
        command.downgrade(config(connection), "0011")
        left = connection.execute(text("SELECT id, message_id FROM mails ORDER BY id")).all()
    assert left == [(1, "<1@portal>"), (2, "<2@portal>")]


def test_audit_entries_get_means_target_and_address(empty: Database) -> None:
    at_revision(empty, "0011", alice="")
    rows = [
        ("alice", "session.open", 1, '{"address": "192.0.2.1"}'),
        ("command line (root)", "gateway.create", None, '{"name": "moe-1"}'),
        ("migration", "account.email", 1, "{}"),
        ("deleted-9", "price.set", None, '{"valid_from": "2026-01-01"}'),
        ("visitor", "account.forgot_password", None, "{}"),
    ]
    insert = text("INSERT INTO audit_log (at, actor, action, account_id, details) VALUES (:now, :by, :what, :id, :d)")
    with empty.engine.begin() as connection:
        for actor, what, id, details in rows:
            connection.execute(insert, {"now": NOW, "by": actor, "what": what, "id": id, "d": details})
    migrate(empty)
    columns = "actor, actor_id, means, target, address, details, before, after"
    with empty.engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(f"SELECT {columns} FROM audit_log ORDER BY id"))]
    assert found == [
        ("alice", 1, "session", "account:1", "192.0.2.1", rows[0][3], None, None),
        ("command line (root)", None, "command line", "gateway:moe-1", None, rows[1][3], None, None),
        ("migration", None, "migration", "account:1", None, "{}", None, None),
        ("deleted-9", None, "session", "price:2026-01-01", None, rows[3][3], None, None),
        ("visitor", None, "visitor", None, None, "{}", None, None),
    ]


def test_old_prices_and_events_survive_prices_of_models(empty: Database) -> None:
    at_revision(empty, "0011", alice="")
    names = "gateway_id, external_id, fingerprint, account_id, model, mode, status, prompt_tokens, completion_tokens, "
    names += "cached_tokens, reasoning_tokens, cost_factor, billable_tokens, cost_nano_eur, requested_at, received_at"
    values = "1, 'r-1', 'f', 1, 'm', 'native', 'ok', 1, 1, 0, 0, '1', 2, 40, :now, :now"
    with empty.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO gateways (name, mode, created_at) VALUES ('moe', 'native', :now)"), {"now": NOW}
        )
        connection.execute(text(f"INSERT INTO usage_events ({names}) VALUES ({values})"), {"now": NOW})
    migrate(empty)
    with empty.engine.begin() as connection:
        rows = connection.execute(text("SELECT eur_per_token, pattern, source, removed_at FROM prices")).all()
        assert [tuple(row) for row in rows] == [("0.00002", None, "", None)]
        assert tuple(connection.execute(text("SELECT cost_nano_eur, price_id FROM usage_events")).one()) == (40, None)
        connection.execute(text("UPDATE usage_events SET price_id = (SELECT id FROM prices)"))
        columns = "valid_from, eur_per_token, pattern, prompt_eur, completion_eur, cached_eur, created_at"
        connection.execute(
            text(f"INSERT INTO prices ({columns}) VALUES (:now, '0', 'gpt', '1', '2', '3', :now)"), {"now": NOW}
        )
        command.downgrade(config(connection), "0011")
        assert connection.execute(text("SELECT eur_per_token FROM prices")).all() == [("0.00002",)]
        assert connection.execute(text("SELECT cost_nano_eur FROM usage_events")).all() == [(40,)]


def test_ends_of_prices_are_dropped_when_undone(empty: Database) -> None:
    migrate(empty)
    columns = "pattern, valid_from, eur_per_token, prompt_eur, completion_eur, cached_eur, is_end, created_at"
    with empty.engine.begin() as connection:
        for values in ("'gpt', :now, '0', '1', '2', '3', false, :now", "'gpt', :then, '0', '0', '0', '0', true, :now"):
            statement = text(f"INSERT INTO prices ({columns}) VALUES ({values})")
            connection.execute(statement, {"now": NOW, "then": NOW.replace("22", "23", 1)})
        command.downgrade(config(connection), "0018")
        rows = connection.execute(text("SELECT pattern, prompt_eur FROM prices ORDER BY id")).all()
        assert [tuple(row) for row in rows] == [(None, None), ("gpt", "1")]
