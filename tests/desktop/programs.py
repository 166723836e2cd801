"""The desktop program as people start it: a process with a home of its own, and with browsers that tests choose."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_websocket
from websockets.typing import Origin

from tests.portals import ROOT

T = TypeVar("T")

INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Browsers that tests may use if PORTAL_TEST_BROWSER names none."""
ENDS_WITHIN = 40
_TOOLS = (
    *("sh", "cat", "rm", "mv", "dirname", "basename", "uname"),
    *("readlink", "sed", "grep", "ls", "id", "getconf", "tr", "cut"),
)
"""Programs that the shell scripts around browsers need."""


def chromium() -> str:
    """Return the program of a real Chromium."""
    found = os.environ.get("PORTAL_TEST_BROWSER") or next(filter(None, map(shutil.which, INSTALLED)), None)
    assert found, "there is no Chromium: set PORTAL_TEST_BROWSER"
    return found


def eventually(find: Callable[[], T | None], what: str, seconds: float = 40) -> T:
    """Return the first result of `find` that is not empty."""
    until = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < until, f"there is no {what}"
        time.sleep(0.02)
    return found


class Home:
    """The home of a user with a folder for data and a PATH with chosen programs."""

    def __init__(self, directory: Path) -> None:
        """Make the folder of programs; without `add` there is no browser."""
        self.directory = directory
        self.data = directory / "data"
        self.programs = directory / "programs"
        self.programs.mkdir()
        for name in _TOOLS:
            if found := shutil.which(name):
                (self.programs / name).symlink_to(found)

    def add(self, name: str, *lines: str) -> None:
        """Install a program: a script with these lines."""
        script = self.programs / name
        script.write_text("\n".join(("#!/bin/sh", *lines, "")), encoding="utf-8")
        script.chmod(0o755)

    def add_chromium(self, name: str = "chromium") -> None:
        """Install a real Chromium without a screen, with a port on which a test can see its pages."""
        flags = "--headless=new --remote-debugging-port=0 --no-sandbox --disable-gpu"
        path = f"{os.environ['PATH']}"
        self.add(name, f"PATH='{path}' exec '{chromium()}' {flags} \"$@\"")

    def start(self, *words: str, **variables: str) -> "Program":
        """Start the program with the data of this home."""
        return Program(self, *words, **variables)

    def run(self, *words: str, **variables: str) -> tuple[int, str, str]:
        """Run the program until it ends; return its status, its output and its errors."""
        program = self.start(*words, **variables)
        status = program.wait()
        return status, program.output, program.errors

    @property
    def profile(self) -> Path:
        return self.data / "browser"

    def pages(self) -> list[dict[str, Any]]:
        """Return the pages that the browser shows, each with `title` and `url`; empty while there is no browser."""
        try:
            port = (self.profile / "DevToolsActivePort").read_text(encoding="ascii").split()[0]
            listed: list[dict[str, Any]] = httpx.get(f"http://127.0.0.1:{port}/json", timeout=5).json()
        except (OSError, IndexError, ValueError, httpx.HTTPError):
            return []
        return [page for page in listed if page["type"] == "page"]

    def shown(self, title: str) -> dict[str, Any]:
        """Return the page with this title, as soon as the browser shows it."""

        def find() -> dict[str, Any] | None:
            return next((page for page in self.pages() if title in page["title"]), None)

        return eventually(find, f"page called {title}, but {self.pages()}")

    def close_browser(self) -> None:
        """Close all windows, as a person does."""
        port = (self.profile / "DevToolsActivePort").read_text(encoding="ascii").split()[0]
        address = httpx.get(f"http://127.0.0.1:{port}/json/version").json()["webSocketDebuggerUrl"]
        with open_websocket(address, proxy=None) as socket:
            socket.send(json.dumps({"id": 1, "method": "Browser.close"}))

    def has_browser(self) -> bool:
        """Return whether a process uses the profile."""
        mark = os.fsencode(f"--user-data-dir={self.profile}")
        return any(mark in command for command in commands())


class Program:
    """One process of the program."""

    def __init__(self, home: Home, *words: str, **variables: str) -> None:
        """Start it with a screen that no browser of the tests uses, unless `DISPLAY` says otherwise."""
        self._out = home.directory / f"out-{time.monotonic_ns()}"
        self._err = self._out.with_suffix(".err")
        environment = {"HOME": str(home.directory), "PATH": str(home.programs), "DISPLAY": ":99", "LANG": "C.UTF-8"}
        self.clients: list[httpx.Client] = []
        command = [sys.executable, "-m", "portal.desktop", "--data", str(home.data), *words]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment | variables,
                stdout=out,
                stderr=err,
                preexec_fn=_hear_hangups,  # noqa: PLW1509  # it sets a signal, which is safe beside threads
            )

    @property
    def output(self) -> str:
        return self._out.read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        return self._err.read_text(encoding="utf-8")

    def find(self, pattern: str) -> str:
        """Return the first group of a pattern in the output, as soon as it is there."""

        def search() -> str | None:
            found = re.search(pattern, self.output)
            assert found or self.process.poll() is None, f"it ended: {self.output}{self.errors}"
            return found[1] if found else None

        return eventually(search, f"{pattern} in {self.output}{self.errors}")

    @property
    def address(self) -> str:
        """The address of the portal, as soon as it answers."""
        return self.find(r"^MoE Portal (http://127\.0\.0\.1:\d+)/\n")

    def open(self, page: Path | None = None) -> httpx.Client:
        """Open a window as a browser does that loads the file with the ticket; return it with its cookie."""
        page = page or Path(self.find(r"\nticket (.*)\n"))
        client = httpx.Client(base_url=self.address, timeout=20, headers={"origin": self.address})
        self.clients.append(client)
        answer = client.post("/desktop/open", data={"ticket": ticket_in(page)}, headers={"origin": "null"})
        assert answer.status_code == 200, answer.text
        return client

    def page_socket(self, client: httpx.Client, path: str) -> ClientConnection:
        """Open the websocket of a page."""
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        address = f"ws://{urlsplit(self.address).netloc}{path}"
        return open_websocket(address, origin=Origin(self.address), additional_headers={"Cookie": cookie}, proxy=None)

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal; return the exit status."""
        self.process.send_signal(sign)
        return self.wait()

    def wait(self) -> int:
        """Return the exit status."""
        return self.process.wait(ENDS_WITHIN)


def _hear_hangups() -> None:
    """Let the program hear SIGHUP, which it ignores if the tests were started with `nohup`."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def ticket_in(page: Path) -> str:
    """Return the ticket in a file."""
    found = re.search(r'"ticket": "([\w-]+)"', page.read_text(encoding="utf-8"))
    assert found, "there is no ticket in the file"
    return found[1]


def commands() -> list[bytes]:
    """Return the command lines of all processes."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(process.read_bytes())
        except OSError:
            continue  # it has ended
    return found
