"""Random content of a portal for backups: rows in every table, and all rows of a database for comparing."""

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Connection, text
from sqlalchemy.exc import IntegrityError

from portal.actions.metering.pruning import prune_all
from portal.actions.people.keys import create_key
from portal.backups.manifest import TRANSIENT
from portal.db.sql.session import Database, run_in_transaction
from portal.db.sql.types import Instant, Rate
from portal.db.tables import Table
from portal.rules.people.secrets import digest
from portal.settings import settings
from tests.cast import NOW, OPERATOR, create_member, new_gateway, report, run, send

TEXTS = ["", "plain", "Ünï ☕ 🦊", "tab\tand\nline\r\n", "back\\slash \\N \\.", "'quotes' \"both\"", "x" * 60, " edge "]
SUMMED = {
    "usage_counters",
    "usage_by_model",
    "usage_daily",
    "usage_hourly",
    "usage_pruned",
    "key_counters",
    "team_counters",
    "organisation_daily",
    "usage_events",
    "pruned_events",
}


def fill(seed: int) -> None:
    """Store a ledger by gateways' reports, prune a part of it, and put random rows into every other table."""
    chance = random.Random(seed)
    names = [f"person-{number}" for number in range(chance.randint(1, 3))]
    secrets = [_with_key(name) for name in names]
    gateway = new_gateway("first")
    for _ in range(chance.randint(1, 3)):
        send(gateway, *(_report(chance, number, names, secrets) for number in range(chance.randint(1, 40))))
    prune_all(OPERATOR, (NOW - timedelta(days=150)).date(), settings().budget_zone, NOW + timedelta(days=2))
    run_in_transaction(lambda session: _fill_others(session.connection(), chance))


def _with_key(name: str) -> str:
    """Create an account with an API key; return the secret."""
    account = create_member(name)
    return run(create_key, OPERATOR, account.id, name, None, NOW - timedelta(days=500)).secret


def _report(chance: random.Random, number: int, names: list[str], secrets: list[str]) -> Any:
    back = timedelta(days=chance.randint(0, 400), microseconds=chance.randint(0, 10**12))
    return report(
        f"r-{chance.randint(0, 60)}-{chance.choice(TEXTS)}",
        **({"key_hash": digest(chance.choice(secrets))} if number % 2 == 0 else {"username": chance.choice(names)}),
        model=chance.choice(["qwen3:32b", "Ünï ☕", "back\\slash"]),
        mode=chance.choice(["native", "moe"]),
        status=chance.choice(["ok", "error"]),
        prompt_tokens=chance.randint(0, 10**9),
        completion_tokens=chance.randint(0, 50),
        cost_factor=chance.choice([None, Decimal("1.0001"), Decimal(3)]),
        requested_at=NOW - back,
    )


def _fill_others(connection: Connection, chance: random.Random) -> None:
    """Store rows in all tables that the ledger does not use."""
    for table in Table.metadata.sorted_tables:
        if table.name in SUMMED | {"accounts", "installation"}:
            continue
        for number in range(chance.randint(1, 3)):
            values = {column.name: _value(connection, chance, column, number) for column in table.columns}
            taken = connection.dialect.name
            statement = table.insert().prefix_with("OR IGNORE") if taken == "sqlite" else table.insert()
            with connection.begin_nested() as attempt:
                try:
                    connection.execute(statement.values(values))
                except IntegrityError:  # a second row with the same unique value
                    attempt.rollback()


def _value(connection: Connection, chance: random.Random, column: Column[Any], number: int) -> Any:
    if column.foreign_keys:
        [key] = column.foreign_keys
        parents = connection.execute(text(f'SELECT "{key.column.name}" FROM "{key.column.table.name}"')).scalars().all()
        return chance.choice(parents) if parents else None
    if column.nullable and chance.random() < 0.4:
        return None
    kind = column.type
    if column.name == "id":
        return 1000 + 7 * number
    if isinstance(kind, Instant):
        return NOW - timedelta(microseconds=chance.randint(0, 10**15))
    if isinstance(kind, Rate):
        return Decimal(chance.randint(0, 10**15)).scaleb(-9)
    text_of_length = (chance.choice(TEXTS) + str(number))[-(getattr(kind, "length", None) or 60) :]
    values: dict[type, Any] = {
        int: chance.choice([0, 1, 2**31, 2**53 + 1, 2**62]),
        bool: chance.random() < 0.5,
        str: text_of_length,
        date: date(2020, 2, 29) + timedelta(days=chance.randint(0, 3000)),
    }
    return values[kind.python_type]


def all_rows(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of every table, in a fixed order, without secrets of visitors and the note of a restore."""
    with database.reading() as session:
        connection = session.connection()
        return {
            table.name: sorted(
                (tuple(row) for row in connection.execute(table.select()) if "backup.restore" not in row), key=repr
            )
            for table in Table.metadata.sorted_tables
            if table.name not in TRANSIENT
        }
