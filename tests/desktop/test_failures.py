"""Errors of the disk and of SQLite become sentences; each error here is a real one."""

import errno
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DatabaseError

from portal.desktop.failures import failure_of
from portal.errors import Unavailable


def full_device(_: Path) -> None:
    with Path("/dev/full").open("wb", buffering=0) as device:
        device.write(b"x")


def full_database(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "full.sqlite3")) as database:
        database.execute("PRAGMA max_page_count = 2")
        database.execute("CREATE TABLE t (x)")
        database.execute("INSERT INTO t VALUES (zeroblob(100000))")


def read_only_database(folder: Path) -> None:
    file = folder / "read.sqlite3"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE t (x)")
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        database.execute("CREATE TABLE u (x)")


def other_file(folder: Path) -> None:
    (folder / "other").write_bytes(b"not a database " * 1000)
    with closing(sqlite3.connect(folder / "other")) as database:
        database.execute("SELECT * FROM sqlite_master")


def other_file_through_sqlalchemy(folder: Path) -> None:
    (folder / "other").write_bytes(b"not a database " * 1000)
    engine = create_engine(f"sqlite:///{folder / 'other'}")
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT * FROM sqlite_master"))
    except DatabaseError as error:
        raise Unavailable from error
    finally:
        engine.dispose()


def locked_database(folder: Path) -> None:
    file = folder / "locked.sqlite3"
    with closing(sqlite3.connect(file)) as first, closing(sqlite3.connect(file, timeout=0)) as second:
        first.execute("BEGIN EXCLUSIVE")
        second.execute("CREATE TABLE t (x)")


def read_only_disk(_: Path) -> None:
    raise OSError(errno.EROFS, "Read-only file system")


@pytest.mark.parametrize(
    ("fail", "beginning"),
    [
        pytest.param(full_device, "The disk with the folder", id="a full disk"),
        pytest.param(full_database, "The disk with the folder", id="a full database"),
        pytest.param(read_only_database, "MoE Portal may not write", id="a database that may not be changed"),
        pytest.param(read_only_disk, "MoE Portal may not write", id="a disk that may not be changed"),
        pytest.param(other_file, "The database", id="a file of another kind"),
        pytest.param(other_file_through_sqlalchemy, "The database", id="the same, as a cause"),
        pytest.param(locked_database, "Another program uses", id="a locked database"),
    ],
)
def test_error_has_a_sentence(tmp_path: Path, fail: Callable[[Path], None], beginning: str) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011  # errors of several libraries
        fail(tmp_path)
    failure = failure_of(caught.value, tmp_path)
    assert failure is not None
    assert str(failure).startswith(beginning)
    assert str(tmp_path) in str(failure)


@pytest.mark.parametrize("error", [ValueError("x"), OSError("x"), FileNotFoundError(errno.ENOENT, "no such file")])
def test_other_errors_have_none(tmp_path: Path, error: Exception) -> None:
    assert failure_of(error, tmp_path) is None
