"""Writing: one moment of a database that changes, one file or none, and no secret where others could read it."""

import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from portal.actions.people.sessions import Browser, open_session_for
from portal.backups.archive import CannotBackUp, manifest_of
from portal.backups.targets import restore_backup
from portal.backups.writing import write_backup
from portal.db.sql.schema import migrate
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.rules.metering.usage import UsageReport
from tests.backups.conftest import BINARIES, ORDER, opened
from tests.backups.content import all_rows
from tests.cast import NOW, Gateway, report, run, send
from tests.databases import Server


class Stop(Exception):
    """What a server that stops raises."""


@pytest.mark.parametrize("portable", [False, True])
def test_backup_is_of_one_moment(
    db: Database, databases: Server, alice: Account, gateway: Gateway, tmp_path: Path, portable: bool
) -> None:
    send(gateway, *(report(f"r-{number}") for number in range(200)))
    before = all_rows(db)
    arrived: list[UsageReport] = []

    def report_more() -> None:
        if len(arrived) < 50:
            arrived.append(report(f"during-{len(arrived)}"))
            send(gateway, arrived[-1])

    file, url = tmp_path / "portal.zip", databases.new_url()
    manifest = write_backup(db, file, NOW, portable=portable, check=report_more)
    assert arrived
    if portable and db.engine.dialect.name == "postgresql":
        restored = restore_backup(url, file, ORDER)
        with opened(url) as other:
            assert all_rows(other) == before
        assert restored.faults == ()
    assert manifest.requests <= 200 + len(arrived)
    target = databases.new_url()
    assert restore_backup(target, file, ORDER).faults == ()


def test_stopped_backup_keeps_the_older_file(db: Database, alice: Account, tmp_path: Path) -> None:
    file = tmp_path / "portal.zip"
    write_backup(db, file, NOW)
    before = file.read_bytes()
    for last in range(1, 6):
        calls: list[None] = []

        def stop(calls: list[None] = calls, last: int = last) -> None:
            calls.append(None)
            if len(calls) == last:
                raise Stop

        try:
            write_backup(db, file, NOW, check=stop)
        except Stop:
            assert file.read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == ["portal.zip"]


def test_secrets_of_visitors_are_not_in_the_file(db: Database, alice: Account, tmp_path: Path) -> None:
    token = run(open_session_for, alice.id, Browser("A very special browser", "192.0.2.77"), NOW).token
    file = tmp_path / "portal.zip"
    manifest = write_backup(db, file, NOW, portable=True)
    assert manifest.counts["sessions"] == 0
    with zipfile.ZipFile(file) as archive:
        data = archive.read("portal.sqlite3")
    assert b"A very special browser" not in data
    assert b"192.0.2.77" not in data
    assert token.encode() not in data


def test_what_was_deleted_is_not_in_the_file(db: Database, alice: Account, tmp_path: Path) -> None:
    run(lambda session: session.execute(text("UPDATE accounts SET display_name = 'Somebody Erased'")))
    run(lambda session: session.execute(text("UPDATE accounts SET display_name = 'x'")))
    write_backup(db, tmp_path / "portal.zip", NOW, portable=True)
    with zipfile.ZipFile(tmp_path / "portal.zip") as archive:
        assert b"Somebody Erased" not in archive.read("portal.sqlite3")


def test_file_and_its_folder_are_private_while_written(db: Database, tmp_path: Path) -> None:
    modes: dict[str, int] = {}

    def look() -> None:
        modes.update({path.name[:8]: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()})

    write_backup(db, tmp_path / "portal.zip", NOW, portable=True, check=look)
    assert set(modes.values()) <= {0o600, 0o700}
    assert stat.S_IMODE((tmp_path / "portal.zip").stat().st_mode) == 0o600


def test_full_disk_leaves_the_older_file(
    db: Database, alice: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "portal.zip"
    write_backup(db, file, NOW)
    before = file.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotBackUp, match=r"portal\.zip cannot be written: No space left on device\."):
        write_backup(db, file, NOW)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["portal.zip"]


def test_damaged_database_does_not_replace_a_backup(sqlite: Server, tmp_path: Path) -> None:
    url, file = sqlite.new_url(), tmp_path / "portal.zip"
    with opened(url) as database:
        migrate(database)
        with database.engine.begin() as connection:
            page = connection.scalar(text("SELECT rootpage FROM sqlite_master WHERE name = 'uq_prices_general'"))
        write_backup(database, file, NOW)
    before = file.read_bytes()
    with Path(str(make_url(url).database)).open("r+b") as data:
        data.seek((page - 1) * 4096)
        data.write(bytes([10, 0, 0, 0, 0, 16, 0, 0]))  # the header of a page of an index without rows
    with (
        opened(url) as database,
        pytest.raises(CannotBackUp, match=r"is damaged: .* index uq_prices_general"),
    ):
        write_backup(database, file, NOW)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["portal.zip"]


FAKE = """#!/bin/sh
printf '%s\\n' "$@" > "{folder}/arguments"
env > "{folder}/environment"
exec {program} "$@"
"""


def test_password_is_in_no_argument(
    postgresql: Server, new_url: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "pg_dump").write_text(FAKE.format(folder=tmp_path, program=BINARIES / "pg_dump"), encoding="utf-8")
    (programs / "pg_dump").chmod(0o700)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    address = make_url(new_url("postgresql")).set(password="open sesame")
    with opened(address.render_as_string(hide_password=False)) as database:
        migrate(database)
        write_backup(database, tmp_path / "portal.zip", NOW)
    assert manifest_of(tmp_path / "portal.zip").data == "portal.dump"
    assert "sesame" not in (tmp_path / "arguments").read_text(encoding="utf-8")
    assert "PGPASSWORD=open sesame\n" in (tmp_path / "environment").read_text(encoding="utf-8")
