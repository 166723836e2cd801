"""An empty home, and the program as its person starts it."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx

from tools.desktop_proof.screen import PATIENCE, Screen, eventually

ROOT = Path(__file__).parents[2]


class Home:
    """The home of a person. Their browser is the machine's, with a port by which the proof sees its pages."""

    def __init__(self, folder: Path, screen: Screen, browser: str | None) -> None:
        self.folder = folder
        self.screen = screen
        self.data = folder / ".local" / "share" / "moe-portal"
        self._started: list[Program] = []
        programs = folder / "programs"
        programs.mkdir(parents=True)
        if browser:
            wrapper = programs / "chromium"
            wrapper.write_text(f'#!/bin/sh\nexec "{browser}" --remote-debugging-port=0 "$@"\n', encoding="utf-8")
            wrapper.chmod(0o755)
        else:
            for name in ("sh", "cat", "rm"):
                (programs / name).symlink_to(str(shutil.which(name)))
        path = f"{programs}:{os.environ['PATH']}" if browser else str(programs)
        self.environment = {"HOME": str(folder), "PATH": path, "DISPLAY": screen.display, "LANG": "C.UTF-8"}

    def start(self, file: Path, *options: str, **variables: str) -> "Program":
        """Start the file in this home."""
        program = Program(file, options, self.folder, self.environment | variables)
        self._started.append(program)
        return program

    def end_all(self) -> None:
        """End what still runs after a failure."""
        for program in self._started:
            if program.process.poll() is None:
                program.kill()

    def rows(self, query: str) -> list[Any]:
        """Return the rows of a query on the stored data."""
        with closing(sqlite3.connect(f"file:{self.data / 'portal.sqlite3'}?mode=ro", uri=True)) as database:
            return database.execute(query).fetchall()

    def devtools(self) -> str:
        """Return the address of the DevTools of the window's browser, as soon as they answer."""
        file = self.data / "browser" / "DevToolsActivePort"
        port = eventually(lambda: file.read_text().split("\n")[0] if file.exists() else "", "the port of the browser")
        return f"http://127.0.0.1:{port}"


class Program:
    """A running file."""

    def __init__(self, file: Path, options: tuple[str, ...], folder: Path, environment: dict[str, str]) -> None:
        self.file = file
        self.began = time.monotonic()
        self._out = folder / f"out-{time.monotonic_ns()}"
        self._err = self._out.with_suffix(".err")
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen([str(file), *options], cwd=folder, env=environment, stdout=out, stderr=err)

    @property
    def output(self) -> str:
        return self._out.read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        return self._err.read_text(encoding="utf-8")

    def address(self) -> str:
        """Return the address of the portal without a slash at its end, as soon as it is printed."""
        return self._printed(r"^MoE Portal (http://127\.0\.0\.1:\d+)/$")

    def ticket(self) -> str:
        """Return the ticket in the printed file."""
        page = Path(self._printed(r"^ticket (.+)$"))
        assert page.stat().st_mode & 0o777 == 0o600, "the file of the ticket can be read by others"
        found = re.search(r'"ticket": "([\w-]+)"', page.read_text(encoding="utf-8"))
        assert found, "there is no ticket in its file"
        return found[1]

    def _printed(self, pattern: str) -> str:
        def look() -> str | None:
            found = re.search(pattern, self.output, re.MULTILINE)
            assert found or self.process.poll() is None, f"it has ended: {self.output}{self.errors}"
            return found[1] if found else None

        return eventually(look, f"{pattern} in {self.output!r} {self.errors!r}")

    def since_start(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self.began

    def end(self, how: signal.Signals) -> int:
        """Send a signal to the process that was started; return the exit status."""
        self.process.send_signal(how)
        return self.wait()

    def wait(self) -> int:
        """Return the exit status."""
        return self.process.wait(PATIENCE)

    def processes(self) -> list[int]:
        """Return the processes of the file: that which unpacks it, and the server."""
        return [
            number
            for number in map(int, filter(str.isdecimal, (each.name for each in Path("/proc").iterdir())))
            if self._is_own(number)
        ]

    def kill(self) -> None:
        """End the program as a power cut does."""
        for number in self.processes():
            os.kill(number, signal.SIGKILL)
        self.process.wait(PATIENCE)

    def memory(self) -> float:
        """Return the resident memory of the program without its window, in MB."""
        pages = [int(Path(f"/proc/{number}/statm").read_text().split()[1]) for number in self.processes()]
        return sum(pages) * os.sysconf("SC_PAGESIZE") / 1e6

    def _is_own(self, number: int) -> bool:
        try:
            is_file = Path(f"/proc/{number}/exe").readlink() == self.file
            return is_file and f"HOME={self._out.parent}\0".encode() in Path(f"/proc/{number}/environ").read_bytes()
        except OSError:
            return False


@contextmanager
def signed_in(address: str, ticket: str) -> Iterator[httpx.Client]:
    """Open the portal with a ticket, as a window does; give a client with its cookie."""
    with httpx.Client(base_url=address, timeout=PATIENCE) as client:
        answer = client.post("/desktop/open", data={"ticket": ticket}, headers={"Origin": "null"})
        assert answer.status_code == 200, answer.text
        yield client
