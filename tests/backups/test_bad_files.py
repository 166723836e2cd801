"""Files that are no backup, or a damaged one, change nothing and get a sentence."""

import hashlib
import json
import os
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from portal.backups.archive import CannotBackUp
from portal.backups.manifest import WrongBackup
from portal.backups.targets import restore_backup
from portal.backups.writing import write_backup
from portal.db.sql.session import Database
from portal.db.tables import Account
from tests.backups.conftest import ORDER
from tests.backups.content import all_rows
from tests.cast import NOW, Gateway, report, send
from tests.databases import Server


@pytest.fixture
def file(db: Database, alice: Account, gateway: Gateway, tmp_path: Path) -> Path:
    """A backup of one account and one request, in the form that both databases take."""
    send(gateway, report())
    path = tmp_path / "portal.zip"
    write_backup(db, path, NOW, portable=True)
    return path


def parts(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(file: Path, content: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def with_manifest(file: Path, **changes: Any) -> None:
    """Change values of the manifest."""
    content = parts(file)
    content["manifest.json"] = json.dumps(json.loads(content["manifest.json"]) | changes).encode()
    write(file, content)


def with_data(file: Path, data: bytes) -> None:
    """Change the data, and let the manifest say so."""
    content = parts(file) | {"portal.sqlite3": data}
    write(file, content)
    with_manifest(file, size=len(data), sha256=hashlib.sha256(data).hexdigest())


def with_sql(file: Path, *statements: str) -> None:
    """Change the database in a backup, and let the manifest say so."""
    path = file.with_name("changed.sqlite3")
    path.write_bytes(parts(file)["portal.sqlite3"])
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    with_data(file, path.read_bytes())


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-500])


def flip_a_byte(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


def grow(file: Path) -> None:
    write(file, parts(file) | {"portal.sqlite3": bytes(200 * 2**20)})


def tell_less(file: Path) -> None:
    """Claim a small size in the directory of the ZIP file and in the manifest."""
    write(file, parts(file) | {"portal.sqlite3": bytes(2**20)})
    content = file.read_bytes().replace((2**20).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    file.write_bytes(content)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "text": lambda file: file.write_text("a,b\n1,2\n", encoding="utf-8"),
    "another ZIP file": lambda file: write(file, {"readme.txt": b"hello"}),
    "truncated": truncate,
    "one wrong byte": flip_a_byte,
    "no data": lambda file: write(file, {"manifest.json": parts(file)["manifest.json"]}),
    "no manifest": lambda file: write(file, {"portal.sqlite3": parts(file)["portal.sqlite3"]}),
    "a further file": lambda file: write(file, parts(file) | {"notes.txt": b"x"}),
    "a path out of the folder": lambda file: write(file, parts(file) | {"../../evil": b"x"}),
    "data with a path": lambda file: write(
        file, {"manifest.json": parts(file)["manifest.json"], "/portal.sqlite3": parts(file)["portal.sqlite3"]}
    ),
    "no JSON": lambda file: write(file, parts(file) | {"manifest.json": b"{"}),
    "a huge manifest": lambda file: write(file, parts(file) | {"manifest.json": b" " * 2_000_000 + b"{}"}),
    "a manifest of another program": lambda file: with_manifest(file, program="Other"),
    "data named otherwise": lambda file: with_manifest(file, data="../portal.sqlite3"),
    "another digest": lambda file: with_manifest(file, sha256="0" * 64),
    "another size": lambda file: with_manifest(file, size=5),
    "other counts": lambda file: with_manifest(file, counts={}),
    "other sums": lambda file: with_manifest(file, sums={}),
    "a wrong zone": lambda file: with_sql(file, "INSERT INTO installation VALUES ('budget_timezone', 'Mars/X')"),
    "a bomb": grow,
    "a bomb that lies": tell_less,
    "no database": lambda file: with_data(file, b"SQLite format 3\0" + bytes(5000)),
    "half a database": lambda file: with_data(file, parts(file)["portal.sqlite3"][:20_000]),
    "an empty database": lambda file: with_data(file, b"\n"),
    "another table": lambda file: with_sql(file, "CREATE TABLE other (id)"),
    "a trigger": lambda file: with_sql(
        file, "CREATE TRIGGER t AFTER INSERT ON accounts BEGIN UPDATE accounts SET role = 'admin'; END"
    ),
    "a missing column": lambda file: with_sql(file, "ALTER TABLE notes DROP COLUMN text"),
    "a view in place of a table": lambda file: with_sql(
        file, "DROP TABLE notes", "CREATE VIEW notes AS SELECT 1 AS usage_id, 2 AS account_id, '' AS text"
    ),
    "a row without its parent": lambda file: with_sql(file, "UPDATE usage_events SET account_id = 77"),
    "another revision": lambda file: with_sql(file, "UPDATE alembic_version SET version_num = '0008'"),
    "a row too many": lambda file: with_sql(file, "INSERT INTO installation VALUES ('x', 'y')"),
    "a changed sum": lambda file: with_sql(file, "UPDATE usage_counters SET tokens = tokens + 1"),
}


def left_behind(databases: Server) -> set[Path]:
    """Return the folders of restores beside a SQLite file; those of killed processes stay for a day."""
    return set(Path(databases.url.partition(":///")[2]).parent.glob(".restore-*"))


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_file_is_refused_and_nothing_changes(db: Database, databases: Server, file: Path, damage: str) -> None:
    DAMAGE[damage](file)
    before, left = all_rows(db), left_behind(databases)
    db.close()
    with pytest.raises(WrongBackup, match=r"backup|schema"):
        restore_backup(databases.url, file, ORDER, replace=True)
    assert all_rows(db) == before
    assert left_behind(databases) == left


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"format": 2, "rows": []}, "newer version of MoE Portal has written this backup", id="format"),
        pytest.param({"format": 2, "program": ["?"]}, "newer version of MoE Portal has written", id="unknown format"),
        pytest.param({"schema_revision": "0999", "version": "9.1"}, "schema 0999 of MoE Portal 9.1", id="schema"),
    ],
)
def test_newer_backup_is_refused(
    db: Database, databases: Server, file: Path, changes: dict[str, Any], sentence: str
) -> None:
    with_manifest(file, **changes)
    db.close()
    with pytest.raises(WrongBackup, match=sentence):
        restore_backup(databases.url, file, ORDER, replace=True)


def test_folder_is_no_backup(db: Database, databases: Server, tmp_path: Path) -> None:
    db.close()
    with pytest.raises(WrongBackup):
        restore_backup(databases.url, tmp_path, ORDER, replace=True)


def test_pipe_is_no_backup(db: Database, databases: Server, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    db.close()
    with pytest.raises(WrongBackup):
        restore_backup(databases.url, tmp_path / "pipe", ORDER, replace=True)


def test_full_disk_is_noticed_before_unpacking(
    db: Database, databases: Server, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    db.close()
    with pytest.raises(CannotBackUp, match="has 0 MB left, and the backup needs 1 MB"):
        restore_backup(databases.url, file, ORDER, replace=True)
