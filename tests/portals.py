"""A whole portal for a test: in this process, or as the program that people start."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from nicegui.testing.general import nicegui_reset_globals
from starlette.testclient import TestClient

from portal.pages import administration
from portal.settings import settings
from portal.web.server import build

ROOT = Path(__file__).parents[1]
HERE = "http://127.0.0.1:8080"
SERVER_PAGES = administration.PAGES
"""Imported before a test: NiceGUI unloads the modules of pages that a test imports."""
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@contextmanager
def running_portal(base_url: str = HERE) -> Iterator[TestClient]:
    """Start a portal in this process, with the settings in force; give a browser that follows no redirects."""
    with nicegui_reset_globals(), TestClient(build(settings()), base_url, follow_redirects=False) as browser:
        yield browser


class Process:
    """`portal serve` as a program of its own."""

    def __init__(
        self,
        directory: Path,
        program: Path = ROOT / "main.py",
        *words: str,
        python: Path | str = sys.executable,
        **environment: str,
    ) -> None:
        """Start it with its data in `directory`; `program` and its `words` do more, or something else."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "PYTEST_"))}
        self.data = directory / "data"
        own = {"PORTAL_DATA_DIR": str(self.data), "PORTAL_PORT": "0", "PYTHONUNBUFFERED": "1"}
        self._log = directory / "log"
        with self._log.open("wb") as log:
            self.program = subprocess.Popen(
                [python, program, *words],
                env={**inherited, **own, **environment},
                cwd=directory,
                stdout=log,
                stderr=log,
            )

    @property
    def output(self) -> str:
        """All it has printed and logged."""
        return self._log.read_text(encoding="utf-8")

    def wait_for(self, pattern: str, seconds: float = 30) -> str:
        """Return the first group of a pattern, as soon as the output has a match."""
        until = time.monotonic() + seconds
        while (match := re.search(pattern, self.output)) is None:
            assert time.monotonic() < until, f"nothing like {pattern} in:\n{self.output}"
            assert self.program.poll() is None, f"it stopped:\n{self.output}"
            time.sleep(0.02)
        return match.group(1)

    def address(self) -> str:
        """Return where it listens, once it answers."""
        address = self.wait_for(r"MoE Portal \S+ on (http://\S+)")
        until = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"{address}/healthz", timeout=5)
            except httpx.TransportError:
                assert time.monotonic() < until, self.output
            else:
                return address

    def stop(self) -> None:
        """End it, whatever it does."""
        self.program.kill()
        self.program.wait()
