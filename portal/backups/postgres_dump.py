"""The pg_dump form of a backup: written and read by PostgreSQL's own programs, from a connection's snapshot.

The password is in the environment of the programs, where other users of the machine cannot see it, and not in their
arguments.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection

from portal.backups.archive import CannotBackUp, Check
from portal.backups.manifest import TRANSIENT, WrongBackup
from portal.backups.schemas import VERSION_TABLE

_COPY = re.compile(rb"COPY (?:\S+\.)?\S+ \((?P<columns>[^)]*)\) FROM stdin;\n")
_VERSIONS = (
    " Install PostgreSQL's client programs in the version of the server, or write a backup without them: "
    "portal backup --portable FILE"
)
_END = b"\\.\n"


class MissingProgram(CannotBackUp):
    """One of PostgreSQL's programs is not installed."""

    code = "missing_program"

    def __init__(self, name: str, instead: str) -> None:
        super().__init__(
            f"{name} is not on PATH. Install PostgreSQL's client programs in the version of the server, on Debian for "
            f"instance with `apt install postgresql-client`.{instead}"
        )


def write_dump(connection: Connection, file: Path, tables: Sequence[str], check: Check) -> None:
    """Write the tables to a file, in the snapshot of the connection. Raises CannotBackUp."""
    program = _find("pg_dump", " Or write a backup without it: portal backup --portable FILE")
    snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar()
    schema = connection.exec_driver_sql("SELECT current_schema()").scalar()
    named = [pattern for table in (VERSION_TABLE, *tables) for pattern in ("--table", f'"{schema}"."{table}"')]
    empty = [f'--exclude-table-data="{schema}"."{table}"' for table in TRANSIENT if table in tables]
    how = ["--format=custom", "--no-owner", "--no-privileges", "--no-password", "--encoding=UTF8"]
    where = [f"--snapshot={snapshot}", f"--file={file}", f"--dbname={_address(connection)}"]
    with _running([program, *how, *where, *named, *empty], _environment(connection)) as running:
        while True:
            check()
            try:
                running.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
            break


def read_rows(file: Path, table: str, columns: Sequence[str]) -> tuple[list[str], Iterator[bytes]]:
    """Return the columns and the lines of a table in a dump. Raises WrongBackup, also while the lines are read."""
    lines = _lines(file, table, frozenset(columns))
    first = next(lines, None)
    return (first.decode().split(","), lines) if first is not None else ([], iter(()))


def _lines(file: Path, table: str, columns: frozenset[str]) -> Iterator[bytes]:
    """Yield the columns of a table, joined by commas, and then each line of its rows; nothing for a table without."""
    program = _find("pg_restore", "")
    arguments = [program, "--data-only", f"--table={table}", "--file=-", str(file)]
    with _running(arguments, dict(os.environ), output=subprocess.PIPE) as running:
        output: Any = running.stdout
        for line in output:
            if match := _COPY.fullmatch(line):
                found = [name.strip().strip('"') for name in match["columns"].decode("utf-8", "replace").split(",")]
                if not columns.issuperset(found):
                    raise WrongBackup
                yield ",".join(found).encode()
                for row in output:
                    if row == _END:
                        break
                    yield row
                else:
                    raise WrongBackup
        running.wait()


def require_pg_restore() -> None:
    """Raise MissingProgram unless pg_restore is installed."""
    _find("pg_restore", "")


def _find(name: str, instead: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise MissingProgram(name, instead)
    return found


@contextmanager
def _running(
    arguments: Sequence[str], environment: dict[str, str], output: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program; stop it if the block ends early. Raises CannotBackUp with its message if it fails."""
    name = Path(arguments[0]).name
    with tempfile.TemporaryFile() as errors:
        running = subprocess.Popen(arguments, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)  # noqa: S603
        try:
            yield running
        finally:
            if running.poll() is None:
                running.kill()
            running.wait()
            if running.stdout is not None:
                running.stdout.close()
        if running.returncode:
            raise CannotBackUp(_reason(name, errors))


def _reason(name: str, errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = [line.strip() for line in errors.read(10_000).decode("utf-8", "replace").splitlines() if line.strip()]
    reason = " ".join(line.removeprefix(f"{name}: ") for line in lines[:3]).rstrip(".")
    hint = _VERSIONS if "version mismatch" in reason or "unsupported version" in reason else ""
    return f"{name} has failed: {reason or 'it says nothing'}.{hint}"


def _address(connection: Connection) -> str:
    """Return the address of the server that a connection has, without its password."""
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415  # an extra

    info = _driver(connection).info
    given = {name: value for name, value in info.get_parameters().items() if "password" not in name}
    return str(make_conninfo(**given | {"host": info.host, "port": info.port, "dbname": info.dbname}))


def _environment(connection: Connection) -> dict[str, str]:
    password = _driver(connection).info.password
    return dict(os.environ) | ({"PGPASSWORD": password} if password else {})


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection
