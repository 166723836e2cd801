"""A Chromium with a profile of its own: its process and its window.

Decision: on POSIX systems the browser gets a pipe for the DevTools protocol. Nobody else can use it, it raises and
closes the window, and the browser ends with this process, even if that is killed. Windows has no such pipe for Python.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from portal.desktop.browsers import Browser
from portal.desktop.devtools import DevTools, NoAnswer
from portal.desktop.private import make_private_folder, write_private

_ENDS_WITHIN = 3.0
"""Seconds in which a browser must end after it was asked to."""
_FIRST_FREE = 10
"""Lowest number for the ends of the pipe, so that they are not in the way of 3 and 4, which the browser uses."""
_PREFERENCES = {"translate": {"enabled": False}, "credentials_enable_service": False}
"""Preferences of a fresh profile: the browser offers neither to translate pages nor to keep passwords."""
_SINGLETON = ("SingletonLock", "SingletonSocket", "SingletonCookie")


class Process(Protocol):
    """A child process."""

    def wait(self) -> int:
        """Return the exit status, negative after a signal, when the process has ended."""

    def terminate(self) -> None:
        """Ask the process to end."""

    def kill(self) -> None:
        """End the process."""


class Chromium:
    """A running browser with its window."""

    def __init__(self, process: Process, devtools: DevTools | None) -> None:
        """Control `process` with `devtools`, if there is a pipe."""
        self._process = process
        self._devtools = devtools
        self._ended = threading.Event()

    def wait(self) -> int:
        """Return the exit status, when the last window was closed; call it on one thread."""
        status = self._process.wait()
        self._ended.set()
        if self._devtools is not None:
            self._devtools.close()
        return status

    @property
    def is_running(self) -> bool:
        """Whether the browser has not ended yet, as far as `wait` knows."""
        return not self._ended.is_set()

    def activate(self, address: str) -> bool:
        """Show the window of the page at `address` in front of others; return whether that was possible."""
        if self._devtools is None or not self.is_running:
            return False
        try:
            target = _page(self._devtools.call("Target.getTargets")["targetInfos"], address)
            window = self._devtools.call("Browser.getWindowForTarget", targetId=target)
            if window["bounds"]["windowState"] == "minimized":
                bounds = {"windowState": "normal"}
                self._devtools.call("Browser.setWindowBounds", windowId=window["windowId"], bounds=bounds)
            self._devtools.call("Target.activateTarget", targetId=target)
        except (NoAnswer, LookupError):
            return False
        return True

    def close(self) -> None:
        """Close all windows, and wait until the browser has ended; `wait` must run on another thread."""
        if self._devtools is not None and self.is_running:
            with suppress(NoAnswer):
                self._devtools.call("Browser.close")
                if self._ended.wait(_ENDS_WITHIN):
                    return
        for end in (self._process.terminate, self._process.kill):
            if self.is_running:
                end()
                self._ended.wait(_ENDS_WITHIN)

    def leave(self, folder: Path | None) -> None:
        """Let the window stay after this process has ended; `folder` is deleted when the person closes it."""
        if self._devtools is None or not self.is_running:
            return
        keeper = 'cat > /dev/null; test -z "$1" || rm -rf "$1"'  # reads until the browser closes the pipe
        subprocess.Popen(  # noqa: S603  # no text of anybody is part of the script
            ["/bin/sh", "-c", keeper, "sh", str(folder or "")],
            stdin=self._devtools.reading,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(self._devtools.writing,),
            start_new_session=True,
        )


def start(browser: Browser, profile: Path, page: Path, screen: Mapping[str, str]) -> Chromium:
    """Start a browser that shows a page; `screen` are variables of the screen to use. Raises OSError."""
    _prepare(profile)
    variables = _variables(profile, screen)
    if sys.platform == "win32":
        return Chromium(_popen(browser.command(profile, page), variables), None)
    end_stale(profile)
    commands, answers = os.pipe(), os.pipe()
    try:
        process = _spawn(browser.command(profile, page, "--remote-debugging-pipe"), commands[0], answers[1], variables)
    except OSError:
        os.close(commands[1])
        os.close(answers[0])
        raise
    finally:
        os.close(commands[0])
        os.close(answers[1])
    return Chromium(process, DevTools(answers[0], commands[1]))


def add_window(browser: Browser, profile: Path, page: Path, screen: Mapping[str, str]) -> None:
    """Show a page in another window of a browser that runs with this profile. Raises OSError."""
    child = _popen(browser.command(profile, page), _variables(profile, screen))
    threading.Thread(target=child.wait, daemon=True).start()


def end_stale(profile: Path) -> None:
    """End a browser that an earlier run has left with this profile, and remove its lock, which would stop a new one."""
    lock = profile / "SingletonLock"
    try:
        host, _, number = os.readlink(lock).rpartition("-")  # noqa: PTH115  # the link is a text, not a path
    except OSError:
        return
    if host == socket.gethostname() and number.isdecimal() and _uses(int(number), profile):
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.kill(int(number), sign)
            until = time.monotonic() + _ENDS_WITHIN
            while time.monotonic() < until and _uses(int(number), profile):
                time.sleep(0.02)
    for name in _SINGLETON:
        with suppress(OSError):
            (profile / name).unlink(missing_ok=True)


def _prepare(profile: Path) -> None:
    preferences = profile / "Default" / "Preferences"
    make_private_folder(profile)
    if not preferences.exists():
        make_private_folder(preferences.parent)
        write_private(preferences, json.dumps(_PREFERENCES))


def _variables(profile: Path, screen: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a browser; its reports of crashes stay in the profile too."""
    return {**os.environ, **screen, "BREAKPAD_DUMP_LOCATION": str(profile / "crashes")}


class _Spawned:
    """A child of `posix_spawn`."""

    def __init__(self, number: int) -> None:
        self._number = number

    def wait(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self._number, 0)[1])

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, sign: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._number, sign)


def _spawn(command: list[str], reading: int, writing: int, variables: Mapping[str, str]) -> _Spawned:
    """Start a browser with the ends of a pipe as its files 3 and 4."""
    import fcntl  # noqa: PLC0415  # Windows does not have it

    program = shutil.which(command[0])
    if program is None:
        raise FileNotFoundError(command[0])
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE) for end in (reading, writing)]
    try:
        actions: list[Any] = [(os.POSIX_SPAWN_DUP2, high[0], 3), (os.POSIX_SPAWN_DUP2, high[1], 4)]
        for stream, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
            actions.append((os.POSIX_SPAWN_OPEN, stream, os.devnull, mode, 0))
        return _Spawned(os.posix_spawn(program, command, variables, file_actions=actions, setpgroup=0))
    finally:
        for end in high:
            os.close(end)


def _popen(command: list[str], variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
    null = subprocess.DEVNULL
    return subprocess.Popen(command, env=dict(variables), stdin=null, stdout=null, stderr=null)  # noqa: S603


def _page(targets: list[dict[str, Any]], address: str) -> str:
    """Return the id of the page at an address, else of any page. Raises LookupError."""
    pages = [target for target in targets if target["type"] == "page"]
    own = [page for page in pages if page["url"].startswith(address)]
    return str([*own, *pages][0]["targetId"])


def _uses(number: int, profile: Path) -> bool:
    """Return whether a process runs with a profile; a process that has ended but was not waited for has no command."""
    try:
        command = Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:
        if Path("/proc/self").exists():
            return False
        ps = ["/bin/ps", "-ww", "-p", str(number), "-o", "args="]
        command = subprocess.run(ps, capture_output=True, check=False).stdout  # noqa: S603
    return os.fsencode(f"--user-data-dir={profile}") in command
