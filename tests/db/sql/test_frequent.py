"""Statements that are compiled once."""

from sqlalchemy import bindparam, event, select
from sqlalchemy.engine import Engine

from portal.db.sql.frequent import FrequentStatement
from portal.db.sql.session import Database
from portal.db.tables import Account


def test_each_execution_has_its_own_values(db: Database, alice: Account, bob: Account) -> None:
    named = FrequentStatement(select(Account.id).where(Account.username == bindparam("name")))
    with db.glance() as connection:
        found = [named.execute(connection, {"name": name}).scalar() for name in ("alice", "bob", "alice", "nobody")]
    assert found == [alice.id, bob.id, alice.id, None]


def test_statement_is_compiled_once_for_each_database(db: Database, alice: Account) -> None:
    statement = select(Account.username).where(Account.id == bindparam("account"))
    named, compiled = FrequentStatement(statement), []

    def note(connection, cursor, text, parameters, context, many: bool) -> None:
        compiled.append(context.compiled)

    event.listen(Engine, "before_cursor_execute", note)
    with db.glance() as connection:
        for _ in range(3):
            assert named.execute(connection, {"account": alice.id}).scalar() == "alice"
    event.remove(Engine, "before_cursor_execute", note)
    assert len(compiled) == 3
    assert len(set(map(id, compiled))) == 1
