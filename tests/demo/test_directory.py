"""Tests of the directory of the demo's database."""

from pathlib import Path

import pytest

from portal.demo.directory import own_directory
from portal.errors import Conflict


def test_only_database_files_are_deleted(tmp_path: Path) -> None:
    for name in ("portal.sqlite3", "portal.sqlite3-wal", "secret", "letter.txt"):
        (tmp_path / name).write_text("old", encoding="utf-8")
    with own_directory(tmp_path, keep=True):
        assert (tmp_path / "portal.sqlite3").exists()
    with own_directory(tmp_path, keep=False):
        assert {path.name for path in tmp_path.iterdir()} == {"secret", "letter.txt", "lock"}


def test_second_demo_in_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "portal.sqlite3").write_text("in use", encoding="utf-8")
    with own_directory(tmp_path, keep=True):
        with pytest.raises(Conflict), own_directory(tmp_path, keep=False):
            pass
        assert (tmp_path / "portal.sqlite3").exists()
    with own_directory(tmp_path, keep=True):
        pass
