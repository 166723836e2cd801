"""Read the database of a MoE Sovereign; nothing is written to it.

Decision: new rows are found by PostgreSQL's transaction numbers, not by the instants in the rows, since a row can be
committed long after its instant. Each snapshot has the number of the first transaction that may still be running, and
the next snapshot reads all rows written from that transaction on: also late rows, and rows that have changed. A row may
be read twice, but none is missed, and storing a request twice changes nothing, since it has an id.

The numbers belong to one server. They begin again if it is restored to an earlier state; then it has another timeline.
A snapshot is one transaction, so people and keys are never older than the usage that is read with them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

from portal.db.sql.opening import require_psycopg
from portal.errors import InvalidInput, PortalError
from portal.rules.instants import parse_utc_instant

SourceRow = Mapping[Any, Any]
BATCH = 1_000
"""Rows of usage in a batch."""
COMPARABLE = 2**31 - 10**6
"""The most transactions between two snapshots; PostgreSQL compares their numbers modulo 2³²."""

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
"""Columns that every database of MoE Sovereign has; other missing columns are read as null."""

_COLUMNS = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = ANY (current_schemas(false)) AND table_name = ANY (:tables)
"""
_SNAPSHOT = """
    SELECT system_identifier AS system, current_database() AS database, timeline_id AS timeline,
        txid_snapshot_xmin(txid_current_snapshot()) AS settled, txid_snapshot_xmax(txid_current_snapshot()) AS next
    FROM pg_control_system(), pg_control_checkpoint()
"""


def as_utc(value: object) -> datetime:
    """Return an instant; without an offset it is UTC. Raises InvalidInstant."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)
    return parse_utc_instant(value)


class SourceUnavailable(PortalError):
    """The database of the source is unavailable; the message has the reason, without the password."""

    status = 503
    code = "source_unavailable"


class UsageKey(NamedTuple):
    """The key of a row of usage, in the order in which rows are read: by person, then by time."""

    user_id: str
    requested_at: str
    id: str


@dataclass(frozen=True, slots=True)
class UsageRange:
    """The usage to read: written from the transaction `since` on, and after the row `after`; None is all."""

    since: int | None = None
    after: UsageKey | None = None


class SourceSnapshot:
    """The database at one moment; made by `open_source`.

    `system` and `database` identify it, also if its address changes; transaction numbers of the same `timeline` can be
    compared. All transactions before `settled` had ended.
    """

    def __init__(self, connection: Connection, url: URL) -> None:
        """Read the names of the columns. Raises InvalidInput for another kind of database, and SourceUnavailable."""
        self._connection = connection
        self._url = url
        self._columns: dict[str, set[str]] = {table: set() for table in _TABLES}
        for row in self._all(_COLUMNS, {"tables": list(_TABLES)}):
            self._columns[row["table_name"]].add(row["column_name"])
        for table, columns in _NEEDED.items():
            if missing := sorted(columns - self._columns[table]):
                what = f"the table {table} with {', '.join(missing)}"
                raise InvalidInput(f"This is no database of MoE Sovereign, or may not be read: {what} is missing.")
        [moment] = self._all(_SNAPSHOT)
        self.system, self.database = str(moment["system"]), str(moment["database"])
        self.timeline, self.settled, self._next = (int(moment[name]) for name in ("timeline", "settled", "next"))

    def missing(self) -> list[str]:
        """Return the names of tables and columns that are missing or that this user may not read."""
        tables = [table for table, columns in self._columns.items() if not columns]
        return tables + [
            f"{table}.{column}"
            for table, columns in _TABLES.items()
            for column in columns
            if table not in tables and column not in self._columns[table]
        ]

    def rows(self, table: str) -> Sequence[RowMapping]:
        """Return all rows of a table other than usage; none if the table or its ids are missing."""
        ids = {"id", "user_id"}.intersection(_TABLES[table])
        return self._all(self._select(table)) if ids <= self._columns[table] else []

    def grants(self) -> Sequence[RowMapping]:
        """Return the permissions of expert templates, in the order in which MoE Sovereign looks at them."""
        if not self._columns["permissions"].issuperset(_TABLES["permissions"]):
            return []
        return self._all(f"{self._select('permissions')} WHERE resource_type = 'expert_template' ORDER BY resource_id")

    def count_usage(self, chosen: UsageRange) -> int:
        """Return the number of rows of usage in a range."""
        where, values = self._where(chosen)
        [row] = self._all(f"SELECT count(*) AS rows FROM usage_log {where}", values)  # noqa: S608  # names of our own
        return int(row["rows"])

    def usage(self, chosen: UsageRange) -> Iterator[Sequence[RowMapping]]:
        """Yield the rows of usage in a range in batches, in order, without loading all of them."""
        where, values = self._where(chosen)
        query = text(f"{self._select('usage_log')} {where} ORDER BY user_id, requested_at, id")
        options = {"stream_results": True, "max_row_buffer": BATCH}
        with _source_errors(self._url), self._connection.execute(query, values, execution_options=options) as found:
            yield from found.mappings().partitions(BATCH)

    def _all(self, query: str, values: dict[str, object] | None = None) -> Sequence[RowMapping]:
        with _source_errors(self._url):
            return self._connection.execute(text(query), values or {}).mappings().all()

    def _select(self, table: str) -> str:
        present = self._columns[table]
        columns = (column if column in present else f"NULL AS {column}" for column in _TABLES[table])
        return f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608  # names of our own

    def _where(self, chosen: UsageRange) -> tuple[str, dict[str, object]]:
        conditions: list[str] = ["true"]
        values: dict[str, object] = {}
        if chosen.since is not None and 0 <= self._next - chosen.since < COMPARABLE:
            conditions.append("age(xmin) <= age(CAST(CAST(:since AS text) AS xid))")
            values["since"] = str(chosen.since % 2**32)
        if chosen.after is not None:
            conditions.append("(user_id, requested_at, id) > (:user_id, :requested_at, :id)")
            values |= chosen.after._asdict()
        return f"WHERE {' AND '.join(conditions)}", values


@contextmanager
def open_source(address: str) -> Iterator[SourceSnapshot]:
    """Open a snapshot of the database with this URL. Raises InvalidInput and SourceUnavailable.

    It is one read-only transaction. While it is open, PostgreSQL keeps rows that others delete.
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
        with _source_errors(url):
            connection = opened.enter_context(engine.connect())
        yield SourceSnapshot(connection, url)


@contextmanager
def _source_errors(url: URL) -> Iterator[None]:
    """Raise SourceUnavailable in place of any error of the driver."""
    try:
        yield
    except DBAPIError as error:
        raise SourceUnavailable(f"MoE Sovereign's database cannot be read: {_reason(error, url)}.") from None


def _parsed(address: str) -> URL:
    """Return the URL of a PostgreSQL database. Raises InvalidInput, without the address in its message."""
    try:
        url = make_url(address.strip())
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in {"postgres", "postgresql", "postgresql+psycopg"}:
        raise InvalidInput("That is not the address of a PostgreSQL database, such as postgresql://user@host/name.")
    require_psycopg()
    return url.set(drivername="postgresql+psycopg")


def _reason(error: DBAPIError, url: URL) -> str:
    """Return the first line of an error of the driver, without the password."""
    lines = str(error.orig).strip().splitlines() or [type(error).__name__]
    password = str(url.password or "")
    return (lines[0].replace(password, "…") if password else lines[0]).rstrip(".")
