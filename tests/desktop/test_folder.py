"""The folder of the data: which one is used, and which ones are refused."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from portal.desktop.failures import Failure
from portal.desktop.folder import choose_folder, prepare_folder
from portal.desktop.shell import port_problem
from tests.portals import ROOT


def test_option_comes_before_variable_and_user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert choose_folder(None) == tmp_path / ".local" / "share" / "moe-portal"
    monkeypatch.setenv("PORTAL_DATA_DIR", "~/named")
    assert choose_folder(None) == tmp_path / "named"
    assert choose_folder(Path("given")) == Path.cwd() / "given"


def test_new_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    prepare_folder(folder)
    prepare_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("below", ["", "data"])
def test_file_is_refused_and_kept(tmp_path: Path, below: str) -> None:
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(Failure, match="is not a folder"):
        prepare_folder(file / below)
    assert file.read_text(encoding="utf-8") == "mine"


def test_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 12_345)
    with pytest.raises(Failure, match=f"{tmp_path} belongs to another user"):
        prepare_folder(tmp_path)


@pytest.mark.parametrize("mode", [0o1777, 0o777, 0o770, 0o720, 0o702], ids=oct)
def test_folder_that_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "my data"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(Failure, match=f"Run chmod go-w '{folder}', or choose another folder"):
        prepare_folder(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == mode


@pytest.mark.parametrize("mode", [0o700, 0o755], ids=oct)
def test_folder_that_others_may_only_read_is_used(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    prepare_folder(tmp_path)


def test_modes_of_windows_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o777)
    monkeypatch.delattr(os, "geteuid")
    prepare_folder(tmp_path)


@pytest.mark.parametrize("entry", [["portal.desktop"], ["portal", "desktop"]], ids=" ".join)
def test_empty_name_is_refused(tmp_path: Path, entry: list[str]) -> None:
    words = ["--data", "", "--no-window", "--port", "0"]  # the port is refused too, so nothing is ever served
    command = [sys.executable, "-m", *entry, *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "COLUMNS": "200"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--data has no name of a folder. Without --data, the folder of your user is used." in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("port", [0, -1, 65_536, 99_999])
def test_impossible_port_has_a_sentence(port: int) -> None:
    assert "--port is a number from 1 to 65535" in (port_problem(port) or "")


@pytest.mark.parametrize("port", [None, 1, 8080, 65_535])
def test_possible_port_has_none(port: int | None) -> None:
    assert port_problem(port) is None
