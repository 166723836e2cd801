"""A screen without a monitor, with a window manager: Xvfb and openbox."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
PAUSE = 0.02
"""Seconds between two looks at the screen."""
PATIENCE = 60
"""Seconds after which something that is waited for counts as missing."""


def eventually(look: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
    """Return the first result of `look` that is not empty."""
    until = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < until, f"missing after {seconds} seconds: {what}"
        time.sleep(PAUSE)
    return found


class Screen:
    """A screen and the windows on it."""

    def __init__(self, display: str) -> None:
        self.display = display
        self._environment = os.environ | {"DISPLAY": display}

    def windows(self) -> dict[str, str]:
        """Return the titles of all windows by their ids."""
        listed = self._run("wmctrl", "-l").splitlines()
        rows = [line.split(maxsplit=3) for line in listed]
        return {row[0]: row[3] for row in rows if len(row) == 4}

    def window(self, title: str) -> str:
        """Return the id of the window with this text in its title, as soon as there is one."""
        return eventually(
            lambda: next((found for found, name in self.windows().items() if title in name), None),
            f"a window called {title}",
        )

    def close(self, window: str) -> None:
        """Close a window, as its button does."""
        self._run("wmctrl", "-i", "-c", window)

    def minimize(self, window: str) -> None:
        self._run("xdotool", "windowminimize", window)

    def is_in_front(self, window: str) -> bool:
        """Return whether the window has the keyboard."""
        active = self._run("xdotool", "getactivewindow").strip()
        return active.isdecimal() and int(active) == int(window, 16)

    def save(self, file: Path, window: str = "root") -> None:
        """Save a picture of the screen, or of a window with its frame."""
        file.parent.mkdir(parents=True, exist_ok=True)
        frame = ["-frame"] if window != "root" else []
        self._run("import", *frame, "-window", window, str(file))

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        return done.stdout


@contextmanager
def screen() -> Iterator[Screen]:
    """Give a new screen of 1440 × 1000 pixels."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-nolisten", "tcp", "-screen", "0", "1440x1000x24"],
        pass_fds=(writing,), stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    with os.fdopen(reading) as answer:
        made = Screen(f":{answer.readline().strip()}")
    manager = subprocess.Popen(["openbox"], env=os.environ | {"DISPLAY": made.display}, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: "openbox" in made._run("wmctrl", "-m").lower(), "the window manager")
        yield made
    finally:
        for process in (manager, server):
            process.terminate()
            process.wait()
