"""A browser that an earlier run has left, and a browser that does not answer."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from portal.desktop.chromium import end_stale
from portal.desktop.devtools import DevTools, NoAnswer


def lock(profile: Path, host: str, number: int) -> Path:
    """Lock a profile as Chromium does: with a link to nothing."""
    link = profile / "SingletonLock"
    link.symlink_to(f"{host}-{number}")
    return link


def test_left_browser_is_ended(tmp_path: Path) -> None:
    program = "import time, sys; print(1, flush=True); time.sleep(600)"
    command = [sys.executable, "-c", program, f"--user-data-dir={tmp_path}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as left:
        assert left.stdout is not None
        left.stdout.readline()
        link = lock(tmp_path, socket.gethostname(), left.pid)
        end_stale(tmp_path)
        assert left.wait(10) < 0
    assert not link.is_symlink()


@pytest.mark.parametrize("host", ["another-machine", socket.gethostname()])
def test_lock_without_its_browser_is_removed(tmp_path: Path, host: str) -> None:
    link = lock(tmp_path, host, os.getpid())  # this process has no such profile, so it is left alone
    end_stale(tmp_path)
    assert not link.is_symlink()


def test_closed_pipe_is_no_answer() -> None:
    reading, other_end = os.pipe()
    other_start, writing = os.pipe()
    devtools = DevTools(reading, writing)
    os.write(other_end, b'{"method": "an event"}\0{"id": 1, "result": {"a": 1}}\0')
    assert devtools.call("Any") == {"a": 1}
    os.write(other_end, b'{"id": 2, "error": {"message": "no"}}\0')
    with pytest.raises(NoAnswer, match="no"):
        devtools.call("Any")
    os.close(other_end)
    with pytest.raises(NoAnswer):
        devtools.call("Any")
    os.close(other_start)
    devtools.close()
    devtools.close()
