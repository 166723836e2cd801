"""Homes for desktop programs; whatever a test has started ends with it."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.programs import Home, Program, commands


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home without a browser."""
    started: list[Program] = []
    start = Program.__init__

    def remember(self: Program, *words: object, **variables: str) -> None:
        start(self, *words, **variables)  # type: ignore[arg-type]  # passed on as they came
        started.append(self)

    monkeypatch.setattr(Program, "__init__", remember)
    yield Home(tmp_path)
    for program in started:
        for client in program.clients:
            client.close()
        if program.process.poll() is None:
            program.process.send_signal(signal.SIGKILL)
            program.process.wait()
    if any(str(tmp_path).encode() in command for command in commands()):
        subprocess.run(["pkill", "-KILL", "-f", str(tmp_path)], check=False)  # a browser without its program
