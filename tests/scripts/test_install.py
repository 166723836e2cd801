"""`scripts/install.py`, with a real pip that installs empty packages into an environment of its own."""

import os
import pty
import subprocess
import venv
from pathlib import Path

import pytest

from tests.locks import ROOT, bundled_pip, make_wheel

PACKAGES = 8


class Environment:
    """An environment, packages to install there, and a lock file that pins them."""

    def __init__(self, directory: Path) -> None:
        venv.create(directory / "env", with_pip=False)
        self.python = directory / "env" / "bin" / "python"
        self.packages = directory
        self.lock = directory / "some.lock"
        digests = {number: make_wheel(directory, f"sample-{number}", "1", ()) for number in range(PACKAGES)}
        lines = [f"sample-{number}==1 --hash=sha256:{digest}" for number, digest in digests.items()]
        elsewhere = "sample-elsewhere==1 ; sys_platform == 'elsewhere' --hash=sha256:" + "0" * 64
        self.lock.write_text("\n".join([elsewhere, *lines]), encoding="utf-8")

    def command(self, *further: str) -> list[str]:
        offline = ("--isolated", "--no-index", "--find-links", str(self.packages))
        script = str(ROOT / "scripts" / "install.py")
        return [str(self.python), script, "what some need", *offline, "--no-deps", "-r", str(self.lock), *further]

    def install(self, *further: str) -> "subprocess.CompletedProcess[str]":
        environ = {**os.environ, "PYTHONPATH": bundled_pip()}
        return subprocess.run(self.command(*further), env=environ, capture_output=True, text=True, check=False)

    def install_on_terminal(self) -> str:
        """Install with a terminal as output; return what was written to it."""
        ours, theirs = pty.openpty()
        environ = {**os.environ, "PYTHONPATH": bundled_pip()}
        subprocess.run(self.command(), env=environ, stdout=theirs, check=True)
        os.close(theirs)
        with os.fdopen(ours, "rb") as terminal:
            return terminal.read1().decode()


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path)


def test_a_log_says_how_far_it_is_until_all_is_there(environment: Environment) -> None:
    done = environment.install()
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) <= 10
    assert lines[-1] == f"Installing what some need: {PACKAGES} of {PACKAGES} packages installed"


def test_a_terminal_says_it_in_place(environment: Environment) -> None:
    output = environment.install_on_terminal()
    assert output.count("\n") == 1
    assert output.endswith(f"\r\x1b[KInstalling what some need: {PACKAGES} of {PACKAGES} packages installed\r\n")


def test_what_cannot_be_installed_is_never_called_done(environment: Environment) -> None:
    with environment.lock.open("a", encoding="utf-8") as lock:
        lock.write("\nsample-nowhere==1 --hash=sha256:" + "0" * 64)
    done = environment.install()
    assert done.returncode == 1
    assert "installed" not in done.stdout
    assert f"{PACKAGES + 1} of" not in done.stdout
    assert "No matching distribution found for sample-nowhere" in done.stderr
