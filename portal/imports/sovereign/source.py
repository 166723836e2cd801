"""A MoE Sovereign's own database, which is only read.

Decision: what is new is found by PostgreSQL's own numbers of transactions, not by the rows' instants, since a row can
be committed long after the instant in it. Each look at the database knows from which transaction on nothing was certain
to be finished then, and the next one reads what was written from that one on: also rows that came late, and rows that
have changed. That reads too much rather than too little: a request is known by its id, so reading it again changes
nothing.

The numbers are those of one server, and begin anew where it is restored to an earlier moment, which its timeline tells.
A look is one transaction, so that people and keys are never older than the usage that is read with them.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, RowMapping, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from portal.db.sql.opening import require_psycopg
from portal.errors import InvalidInput, PortalError

BATCH = 1_000
"""Rows of usage that are read at once."""
COMPARABLE = 2**31 - 10**6
"""Transactions that may lie between two looks; PostgreSQL compares their numbers modulo 2³²."""

_TABLES: dict[str, tuple[str, ...]] = {
    "users": (
        "id", "username", "email", "display_name", "hashed_password", "is_active", "is_admin", "role", "language",
        "timezone_offset_hours", "created_at",
    ),
    "api_keys": ("id", "user_id", "key_hash", "key_prefix", "label", "is_active", "created_at", "expires_at"),
    "token_budgets": ("user_id", "daily_limit", "monthly_limit", "total_limit", "budget_type"),
    "permissions": ("user_id", "resource_type", "resource_id"),
    "admin_expert_templates": ("id", "name", "config_json", "created_at"),
    "user_expert_templates": ("id", "user_id", "name", "cost_factor", "config_json", "is_active", "created_at"),
    "usage_log": (
        "id", "user_id", "api_key_id", "session_id", "model", "moe_mode", "prompt_tokens", "completion_tokens",
        "total_tokens", "status", "notes", "requested_at", "latency_ms", "dynamic_tmpl_id",
    ),
}  # fmt: skip
_NEEDED = {
    "users": {"id", "username"},
    "usage_log": {"id", "user_id", "model", "prompt_tokens", "completion_tokens", "requested_at"},
}
"""Without these it is no MoE Sovereign's; whatever else is missing reads as null."""

_COLUMNS = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = ANY (current_schemas(false)) AND table_name = ANY (:tables)
"""
_LOOK = """
    SELECT system_identifier AS system, current_database() AS database, timeline_id AS timeline,
        txid_snapshot_xmin(txid_current_snapshot()) AS settled, txid_snapshot_xmax(txid_current_snapshot()) AS next
    FROM pg_control_system(), pg_control_checkpoint()
"""


class SourceUnavailable(PortalError):
    """The other database cannot be used right now; the message says why, and no password."""

    status = 503
    code = "source_unavailable"


class Place(NamedTuple):
    """Where a row of usage stands in the order in which they are read: person by person, by time."""

    user_id: str
    requested_at: str
    id: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which usage to read: what was written from a transaction on, and stands after a place; None is all."""

    since: int | None = None
    after: Place | None = None


class Look:
    """The database at one moment; made by `look_at`.

    `system` and `database` name it, whatever its address is; transactions can be compared where the `timeline` is the
    same. All transactions before `settled` had ended.
    """

    def __init__(self, connection: Connection, url: URL) -> None:
        """See what there is. Raises InvalidInput where it is no MoE Sovereign's, and SourceUnavailable."""
        self._connection = connection
        self._url = url
        self._columns: dict[str, set[str]] = {table: set() for table in _TABLES}
        for row in self._all(_COLUMNS, {"tables": list(_TABLES)}):
            self._columns[row["table_name"]].add(row["column_name"])
        for table, columns in _NEEDED.items():
            if missing := sorted(columns - self._columns[table]):
                what = f"the table {table} with {', '.join(missing)}"
                raise InvalidInput(f"This is no database of MoE Sovereign, or may not be read: there is not {what}.")
        [moment] = self._all(_LOOK)
        self.system, self.database = str(moment["system"]), str(moment["database"])
        self.timeline, self.settled, self._next = (int(moment[name]) for name in ("timeline", "settled", "next"))

    def missing(self) -> list[str]:
        """Return the tables, and the columns of other tables, that there are not or that may not be read."""
        tables = [table for table, columns in self._columns.items() if not columns]
        return tables + [
            f"{table}.{column}"
            for table, columns in _TABLES.items()
            for column in columns
            if table not in tables and column not in self._columns[table]
        ]

    def rows(self, table: str) -> Sequence[RowMapping]:
        """Return all rows of a table other than usage, none where there is no such table with its ids."""
        ids = {"id", "user_id"}.intersection(_TABLES[table])
        return self._all(self._select(table)) if ids <= self._columns[table] else []

    def grants(self) -> Sequence[RowMapping]:
        """Return the permissions of expert templates, in the order in which MoE Sovereign looks at them."""
        if not self._columns["permissions"].issuperset(_TABLES["permissions"]):
            return []
        return self._all(f"{self._select('permissions')} WHERE resource_type = 'expert_template' ORDER BY resource_id")

    def count_usage(self, wanted: Wanted) -> int:
        """Return how many rows of usage are wanted."""
        where, values = self._where(wanted)
        [row] = self._all(f"SELECT count(*) AS rows FROM usage_log {where}", values)  # noqa: S608  # names of our own
        return int(row["rows"])

    def usage(self, wanted: Wanted) -> Iterator[Sequence[RowMapping]]:
        """Yield the wanted rows of usage in their order, some at a time, without holding them all."""
        where, values = self._where(wanted)
        query = text(f"{self._select('usage_log')} {where} ORDER BY user_id, requested_at, id")
        options = {"stream_results": True, "max_row_buffer": BATCH}
        with _trouble(self._url), self._connection.execute(query, values, execution_options=options) as found:
            yield from found.mappings().partitions(BATCH)

    def _all(self, query: str, values: dict[str, object] | None = None) -> Sequence[RowMapping]:
        with _trouble(self._url):
            return self._connection.execute(text(query), values or {}).mappings().all()

    def _select(self, table: str) -> str:
        there = self._columns[table]
        columns = (column if column in there else f"NULL AS {column}" for column in _TABLES[table])
        return f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608  # names of our own

    def _where(self, wanted: Wanted) -> tuple[str, dict[str, object]]:
        conditions: list[str] = ["true"]
        values: dict[str, object] = {}
        if wanted.since is not None and 0 <= self._next - wanted.since < COMPARABLE:
            conditions.append("age(xmin) <= age(CAST(CAST(:since AS text) AS xid))")
            values["since"] = str(wanted.since % 2**32)
        if wanted.after is not None:
            conditions.append("(user_id, requested_at, id) > (:user_id, :requested_at, :id)")
            values |= wanted.after._asdict()
        return f"WHERE {' AND '.join(conditions)}", values


@contextmanager
def look_at(address: str) -> Iterator[Look]:
    """Give one look at the database with this URL. Raises InvalidInput and SourceUnavailable.

    It is one transaction that can change nothing. While it lasts, PostgreSQL keeps what others delete meanwhile.
    """
    url = _parsed(address)
    engine = create_engine(
        url,
        poolclass=NullPool,
        isolation_level="REPEATABLE READ",
        connect_args={
            "connect_timeout": 10,
            "application_name": "MoE Portal",
            "options": "-c default_transaction_read_only=on -c statement_timeout=0 "
            "-c idle_in_transaction_session_timeout=0",
        },
        hide_parameters=True,
    )
    with ExitStack() as opened:
        with _trouble(url):
            connection = opened.enter_context(engine.connect())
        yield Look(connection, url)


@contextmanager
def _trouble(url: URL) -> Iterator[None]:
    """Turn what the driver says into one sentence, whatever it is: nothing there can be mended here."""
    try:
        yield
    except DBAPIError as error:
        raise SourceUnavailable(f"MoE Sovereign's database cannot be read: {_reason(error, url)}.") from None


def _parsed(address: str) -> URL:
    """Return the URL of a PostgreSQL database. Raises InvalidInput, which does not repeat it."""
    try:
        url = make_url(address.strip())
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise InvalidInput("That is not the address of a PostgreSQL database, such as postgresql://user@host/name.")
    require_psycopg()
    return url.set(drivername="postgresql+psycopg")


def _reason(error: DBAPIError, url: URL) -> str:
    """Return the first line of what the driver said, without the password."""
    said = str(error.orig).strip().splitlines() or [type(error).__name__]
    password = str(url.password or "")
    return (said[0].replace(password, "…") if password else said[0]).rstrip(".")
