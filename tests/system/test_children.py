"""The environment that other programs get from a frozen program, and its end with its parent."""

import os
import signal
import subprocess
import sys

import pytest

from portal.system.children import clean_environment

GIVEN = {
    "_PYI_ARCHIVE_FILE": "x",
    "LD_LIBRARY_PATH": "/of/the/file",
    "LD_LIBRARY_PATH_ORIG": "/of/the/user",
    "KEPT": "1",
}


@pytest.mark.parametrize(
    ("is_frozen", "given", "expected"),
    [
        pytest.param(True, GIVEN, {"LD_LIBRARY_PATH": "/of/the/user", "KEPT": "1"}, id="a path of the user returns"),
        pytest.param(True, {"LD_LIBRARY_PATH": "/of/the/file"}, {}, id="a path of the file goes"),
        pytest.param(False, GIVEN, GIVEN, id="an installation changes nothing"),
    ],
)
def test_environment(
    monkeypatch: pytest.MonkeyPatch, is_frozen: bool, given: dict[str, str], expected: dict[str, str]
) -> None:
    monkeypatch.setattr(sys, "frozen", is_frozen, raising=False)
    monkeypatch.setattr(os, "environ", dict(given))
    clean_environment()
    assert dict(os.environ) == expected


def test_frozen_program_ends_with_its_parent() -> None:
    child = (
        "import sys, time; sys.frozen = True; from portal.system.children import end_with_parent; end_with_parent();"
        "print('child', flush=True); time.sleep(600)"
    )
    parent = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "child\n"
        process.send_signal(signal.SIGKILL)
        assert process.stdout.read() == ""  # ends when the child has ended too
