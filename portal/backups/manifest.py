"""The manifest of a backup: when and of what it was made, with the counts of rows and the sums of the ledger."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection

from portal.errors import PortalError
from portal.rules.messages import Message, message

FORMAT = 1
"""The number of the format; a program refuses newer ones."""
SQLITE_FORM: Final = "portal.sqlite3"
DUMP_FORM: Final = "portal.dump"
LARGEST_MANIFEST = 1_000_000

TRANSIENT = ("sessions", "setup_links", "reset_links")
"""Tables with secrets of visitors, which are empty in a backup and after a restore."""

_SUMS = {
    "usage_events": ("prompt_tokens", "completion_tokens", "billable_tokens", "cost_nano_eur"),
    "usage_counters": ("requests", "tokens", "cost_nano_eur"),
    "usage_daily": ("requests", "tokens", "cost_nano_eur"),
    "usage_pruned": ("requests", "tokens", "cost_nano_eur"),
}
"""The summed columns of each table; all of them exist since the first schema."""


class WrongBackup(PortalError):
    """The file cannot be restored; nothing was changed."""

    status = 422
    code = "wrong_backup"
    sentence = message("This file is not a backup of MoE Portal, or it is damaged. Nothing was changed.")


class Manifest(BaseModel):
    """The content of `manifest.json`; `size` and `sha256` are those of the data."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    format: int = Field(ge=1)
    program: Literal["MoE Portal"]
    version: str = Field(max_length=100)
    created_at: AwareDatetime
    database: Literal["sqlite", "postgresql"]
    schema_revision: str = Field(pattern=r"^\w{1,32}$")
    budget_timezone: str | None = Field(max_length=64)
    data: Literal["portal.sqlite3", "portal.dump"]
    size: int = Field(ge=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    counts: dict[str, int]
    sums: dict[str, int]

    @property
    def accounts(self) -> int:
        """The number of accounts."""
        return self.counts.get("accounts", 0)

    @property
    def requests(self) -> int:
        """The number of stored requests."""
        return self.counts.get("usage_events", 0)

    @property
    def tokens(self) -> int:
        """The billable tokens of all stored requests."""
        return self.sums.get("usage_events.billable_tokens", 0)

    @property
    def cost_nano_eur(self) -> int:
        """The cost of all stored requests."""
        return self.sums.get("usage_events.cost_nano_eur", 0)


def read_manifest(text: bytes) -> Manifest:
    """Return the manifest in a JSON text. Raises WrongBackup, also for a newer format."""
    try:
        found = Manifest.model_validate_json(text)
    except ValidationError:
        raise WrongBackup(_newer_format(text)) from None
    if found.format > FORMAT:
        raise WrongBackup(_NEWER)
    return found.model_copy(update={"created_at": found.created_at.astimezone(UTC)})


_NEWER = message("A newer version of MoE Portal has written this backup. Restore it with that version.")


class _FormatOnly(BaseModel):
    format: int


def _newer_format(text: bytes) -> Message | None:
    """Return the sentence about a newer format, of which only the number is known; None for anything else."""
    try:
        return _NEWER if _FormatOnly.model_validate_json(text).format > FORMAT else None
    except ValidationError:
        return None


def count_rows(connection: Connection, tables: Collection[str]) -> dict[str, int]:
    """Return the number of rows of each table."""
    counting = ", ".join(f'(SELECT count(*) FROM "{table}")' for table in tables)  # noqa: S608  # names of our own
    [row] = connection.exec_driver_sql(f"SELECT {counting}")
    return dict(zip(tables, map(int, row), strict=True))


def sum_rows(connection: Connection) -> dict[str, int]:
    """Return the sums of the ledger by `table.column`."""
    found: dict[str, int] = {}
    for table, columns in _SUMS.items():
        summing = ", ".join(f"coalesce(sum({column}), 0)" for column in columns)
        [row] = connection.exec_driver_sql(f"SELECT {summing} FROM {table}")  # noqa: S608  # names of our own
        found |= {f"{table}.{column}": int(value) for column, value in zip(columns, row, strict=True)}
    return found


def check_content(connection: Connection, manifest: Manifest, tables: Collection[str]) -> None:
    """Compare a database with the manifest of its backup. Raises WrongBackup if they differ."""
    counts = count_rows(connection, tables)
    if manifest.counts != counts or manifest.sums != sum_rows(connection):
        raise WrongBackup(
            message("The content of this backup is not what its manifest says, so it is damaged. Nothing was changed.")
        )


def budget_timezone(connection: Connection) -> str | None:
    """Return the zone in which a database counts days."""
    query = "SELECT value FROM installation WHERE name = 'budget_timezone'"
    return connection.exec_driver_sql(query).scalar()


def utc(instant: datetime) -> datetime:
    """Return an instant in UTC, to the second."""
    return instant.astimezone(UTC).replace(microsecond=0)


def delete_secrets(connection: Connection, tables: Collection[str]) -> None:
    """Empty those of the tables that have secrets of visitors."""
    for table in TRANSIENT:
        if table in tables:
            connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608  # names of our own
