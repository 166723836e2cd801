"""Scheduled backups: one server writes them, failures are logged, and old files go only after a new one is there."""

import asyncio
import os
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from portal.backups.archive import manifest_of
from portal.backups.schedule import LEASE, TRY_AGAIN, claim_backup
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.jobs import backups
from portal.jobs.backups import back_up_if_due, run_backups
from tests.backups.conftest import BINARIES
from tests.cast import NOW, Gateway, report, run, send

DAY = timedelta(days=1)
RUNNING = threading.Event()


@pytest.fixture
def folder(db: Database, settings_env: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of backups, of which three stay."""
    made = tmp_path / "backups"
    made.mkdir()
    settings_env(backup_dir=made, backup_keep=3)
    monkeypatch.setenv("PATH", f"{BINARIES}{os.pathsep}{os.environ['PATH']}")
    return made


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_newest_files_stay_and_others_are_left_alone(folder: Path, alice: Account, gateway: Gateway) -> None:
    (folder / "moe-portal-yearly.zip").touch()
    for day in range(5):
        send(gateway, report(f"r-{day}"))
        assert back_up_if_due(NOW + day * DAY, RUNNING)
    assert names(folder) == [
        "moe-portal-20261124T140500Z.zip",
        "moe-portal-20261125T140500Z.zip",
        "moe-portal-20261126T140500Z.zip",
        "moe-portal-yearly.zip",
    ]
    assert manifest_of(folder / "moe-portal-20261126T140500Z.zip").requests == 5


def test_backup_is_due_after_the_hours_of_the_setting(folder: Path, settings_env: Any) -> None:
    settings_env(backup_every=1.5)
    times = [timedelta(0), timedelta(minutes=1), timedelta(minutes=89), timedelta(minutes=90)]
    assert [back_up_if_due(NOW + time, RUNNING) for time in times] == [True, False, False, True]


def test_of_several_servers_one_writes_the_backup(db: Database) -> None:
    assert [run(claim_backup, DAY, NOW) for _ in range(3)] == [True, False, False]


def test_claim_of_a_dead_server_ends(db: Database) -> None:
    assert run(claim_backup, DAY, NOW)
    assert not run(claim_backup, DAY, NOW + LEASE - timedelta(seconds=1))
    assert run(claim_backup, DAY, NOW + LEASE)


def test_failure_is_logged_keeps_all_and_is_tried_again(
    folder: Path, settings_env: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert back_up_if_due(NOW, RUNNING)
    settings_env(backup_dir=folder / "not mounted", backup_keep=1)
    assert not back_up_if_due(NOW + DAY, RUNNING)
    assert "the scheduled backup has failed: " in caplog.text
    assert "cannot be written: No such file or directory" in caplog.text
    assert names(folder) == ["moe-portal-20261122T140500Z.zip"]
    settings_env(backup_dir=folder, backup_keep=1)
    assert not back_up_if_due(NOW + DAY + TRY_AGAIN - timedelta(seconds=1), RUNNING)
    assert back_up_if_due(NOW + DAY + TRY_AGAIN, RUNNING)
    assert names(folder) == ["moe-portal-20261123T142000Z.zip"]


def test_stopping_server_leaves_no_file(folder: Path) -> None:
    stops = threading.Event()
    stops.set()
    assert not back_up_if_due(NOW, stops)
    assert names(folder) == []


def test_files_of_killed_servers_are_removed(folder: Path) -> None:
    old, fresh = folder / ".moe-portal-1.zip.abc.part", folder / ".moe-portal-2.zip.abc.part"
    for path in (old, fresh):
        path.touch()
    (folder / ".moe-portal-1.zip.xyz").mkdir()
    for path in (old, folder / ".moe-portal-1.zip.xyz"):
        os.utime(path, (0, 0))
    assert back_up_if_due(NOW, RUNNING)
    assert names(folder) == [fresh.name, "moe-portal-20261122T140500Z.zip"]


async def test_job_writes_soon_after_the_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "SOON", 0)
    monkeypatch.setattr(backups, "EVERY", 0.01)
    done, loop = asyncio.Event(), asyncio.get_running_loop()

    def remove_old(*_: object) -> list[str]:
        loop.call_soon_threadsafe(done.set)
        return []

    monkeypatch.setattr(backups, "remove_old", remove_old)
    job = asyncio.create_task(run_backups())
    async with asyncio.timeout(30):
        await done.wait()
    job.cancel()
    await asyncio.wait({job})
    assert len(names(folder)) == 1


async def test_without_a_folder_there_is_no_job(db: Database) -> None:
    async with asyncio.timeout(5):
        await run_backups()
