"""Databases as they are before the first migration."""

from pathlib import Path

import pytest


@pytest.fixture
def empty_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables; on PostgreSQL it takes a third of a second."""
    if database_kind == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.sqlite3'}"
    url: str = request.getfixturevalue("postgresql").new_url()
    return url
