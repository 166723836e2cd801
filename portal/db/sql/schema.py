"""Migrate a database to the schema of this program; refuse a database with a newer schema."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from threading import Lock

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from portal.db.sql.session import Database
from portal.db.sql.upsert import insert, upsert
from portal.db.tables import Installation, Table
from portal.rules.periods import UTC_ZONE

MIGRATIONS = Path(__file__).parents[1] / "migrations"
_ZONE = "budget_timezone"
_LOCK = 0x4D6F45  # "MoE": the lock of all processes that migrate a PostgreSQL database
_ONE_AT_A_TIME = Lock()
"""Alembic has one context for all threads of a process."""


class WrongDatabase(Exception):
    """The database cannot be used by this program; the message is a sentence for the operator."""


class NewerDatabase(WrongDatabase):
    """A later version of this program has written the database."""


class SharedEmails(WrongDatabase):
    """Several accounts have the same email address, and a person must choose which account keeps it.

    `accounts` are the user names by address.
    """

    def __init__(self, accounts: Mapping[str, Sequence[str]], keep_email: Collection[str] = ()) -> None:
        """Write the message: the accounts, and the command to run, with the names in `keep_email` and a choice."""
        shared = "; ".join(f"{email} belongs to {' and '.join(names)}" for email, names in accounts.items())
        undecided = {name for names in accounts.values() for name in names}
        kept = [*sorted(set(keep_email) - undecided), *(names[0] for names in accounts.values())]
        keep = " ".join(f"--keep-email {name}" for name in kept)
        super().__init__(
            "An email address may belong to one account only. Nothing was changed, since several accounts have the "
            f"same one: {shared}. Choose which account keeps it; the others stay, without an address until they are "
            f"given another. For instance: portal migrate {keep}"
        )
        self.accounts = accounts


def newer(found: str) -> NewerDatabase:
    """Return the refusal of a schema that this program does not know."""
    return NewerDatabase(
        f"The database is at revision {found}, which this version of MoE Portal does not know. "
        "Start the newer version that has written it."
    )


def migrate(database: Database, keep_email: Collection[str] = ()) -> None:
    """Apply all migrations that are missing. Raises WrongDatabase for a schema newer than this program.

    Raises SharedEmails where several accounts have the same email address, unless exactly one of them is in
    `keep_email`, the user names of accounts that keep their address.

    Several processes may start together: the first one migrates, the others wait for it. Without a missing migration
    nothing is locked, so that commands can read a database while another process writes.
    """
    with database.reading() as session:
        if revision(session.connection()) == head():
            return
    with database.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            lock_migrations(connection)
        current = revision(connection)
        if current is not None and current not in known_revisions():
            raise newer(current)
        upgrade(connection, "head", keep_email)


def upgrade(connection: Connection, target: str, keep_email: Collection[str] = ()) -> None:
    """Apply the migrations up to a revision, in the transaction of the connection. Raises SharedEmails."""
    alembic = config(connection)
    alembic.attributes["keep_email"] = frozenset(keep_email)
    try:
        with _ONE_AT_A_TIME:
            command.upgrade(alembic, target)
    except ValueError as error:
        if shared := alembic.attributes.get("shared_emails"):
            raise SharedEmails(shared, keep_email) from error
        raise


def lock_migrations(connection: Connection) -> None:
    """Keep other processes from migrating a PostgreSQL database until the transaction ends."""
    connection.execute(text("SET LOCAL lock_timeout = 0"))  # a migration may take long
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def revision(connection: Connection) -> str | None:
    """Return the revision of a database; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def known_revisions() -> set[str]:
    """Return every revision this program knows."""
    return {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}


def head() -> str:
    """Return the newest revision this program knows."""
    newest = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    if newest is None:
        raise RuntimeError("there are no migrations")
    return newest


def config(connection: Connection) -> Config:
    """Return Alembic's configuration for one connection."""
    alembic = Config()
    alembic.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    alembic.attributes["connection"] = connection
    alembic.attributes["metadata"] = Table.metadata
    return alembic


def pin_budget_timezone(database: Database, name: str | None) -> str:
    """Store the zone in which days are counted, and return it; without a name, a stored one stays, or it is UTC.

    Raises WrongDatabase if days were counted in another zone than `name`.
    """
    new = {"name": _ZONE, "value": name or UTC_ZONE}
    with database.transaction() as session:
        session.execute(insert(session, Installation).values(new).on_conflict_do_nothing(index_elements=["name"]))
    return check_budget_timezone(database, name)


def check_budget_timezone(database: Database, name: str | None) -> str:
    """Return the zone in which days are counted: the stored one, else `name`, else UTC; stores nothing.

    Raises WrongDatabase if days were counted in another zone than `name`.
    """
    with database.reading() as session:
        pinned = pinned_budget_timezone(session)
    if name is not None and pinned not in {None, name}:
        raise WrongDatabase(
            f"Days in this database are counted in {pinned}, but PORTAL_BUDGET_TIMEZONE is {name}. "
            f"Set it back, or run `portal rebuild --budget-timezone {name}` to count all days again."
        )
    return pinned or name or UTC_ZONE


def pinned_budget_timezone(session: Session) -> str | None:
    """Return the zone in which days are counted; None before any zone was stored."""
    pinned = session.get(Installation, _ZONE)
    return None if pinned is None else pinned.value


def locked_budget_timezone(session: Session) -> str | None:
    """Return what `pinned_budget_timezone` returns, and lock the zone until the transaction ends."""
    return session.connection().scalar(_PINNED)


_PINNED = select(Installation.value).where(Installation.name == _ZONE).with_for_update(read=True)


def repin_budget_timezone(session: Session, name: str) -> None:
    """Store another zone for days; the same transaction must count all days again."""
    upsert(session, Installation, {"name": _ZONE}, {"value": name})
