"""Run `pip install` and print its progress, for the Makefile: `install.py "what the tests need" -r requirements.lock`.

While pip fetches, packages are counted in its output; while it installs, in the environment. On a terminal the count
changes in place; a log has a line for each quarter.
"""

import re
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

PAUSE = 0.2
"""Seconds between two updates of the progress."""

_FETCHED = re.compile(r"(?:Collecting|Processing|Requirement already satisfied:) ")
_INSTALLING = "Installing collected packages: "


class Installation:
    """The progress of one run of pip."""

    def __init__(self, what: str, arguments: list[str]) -> None:
        """Count the packages to install."""
        self._what = what
        files = [file for option, file in pairwise(arguments) if option == "-r"]
        self._wanted = sum(
            len(re.findall(r"^[\w.-]+==", Path(file).read_text(encoding="utf-8"), re.MULTILINE)) for file in files
        )
        self._before = _installed()
        self._fetched = 0
        self.new = 0

    def read(self, lines: Iterable[str]) -> None:
        """Read the output of pip."""
        for line in lines:
            if line.startswith("Ignoring "):  # for another system or Python
                self._wanted -= 1
            elif _FETCHED.match(line):
                self._fetched += 1
            elif line.startswith(_INSTALLING):
                self.new = len(line.removeprefix(_INSTALLING).split(", "))

    def progress(self) -> tuple[int, int, str]:
        """Return the number of finished packages, the number of all, and the step: fetched or installed."""
        if self.new:
            return min(len(_installed() - self._before), self.new), self.new, "installed"
        return min(self._fetched, self._wanted), self._wanted, "fetched"

    def sentence(self) -> str:
        """Return the progress as a sentence."""
        done, total, what = self.progress()
        return f"Installing {self._what}: {done} of {total} packages {what}"


class Display:
    """Prints progress: in place on a terminal, else a line for each quarter."""

    def __init__(self, installation: Installation) -> None:
        """Store the installation to show."""
        self._installation = installation
        self._on_terminal = sys.stdout.isatty()
        self._printed: object = None

    def update(self) -> None:
        """Print the progress if it has changed."""
        done, total, what = self._installation.progress()
        news = (done, total, what) if self._on_terminal else (4 * done // max(total, 1), what)
        if news != self._printed and total:
            self._printed = news
            start, end = ("\r\033[K", "") if self._on_terminal else ("", "\n")
            print(f"{start}{self._installation.sentence()}", end=end, flush=True)

    def close(self) -> None:
        """End the line of the count on a terminal."""
        if self._on_terminal and self._printed is not None:
            print(flush=True)


def _installed() -> set[str]:
    """Return the packages in the environment: {"nicegui-3.18.0.dist-info", …}."""
    return {found.name for found in Path(sysconfig.get_path("purelib")).glob("*.dist-info")}


def main() -> int:
    """Run pip; return its exit status."""
    installation = Installation(sys.argv[1], sys.argv[2:])
    display = Display(installation)
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar=off"]
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints,
        subprocess.Popen(
            [*command, *sys.argv[2:]], stdout=subprocess.PIPE, stderr=complaints, text=True, errors="replace"
        ) as pip,
    ):
        reader = threading.Thread(target=installation.read, args=(pip.stdout,))
        reader.start()
        while reader.is_alive():
            reader.join(PAUSE)
            display.update()
        status = pip.wait()
        display.close()
        complaints.seek(0)
        sys.stderr.write(complaints.read())
    return status


if __name__ == "__main__":
    sys.exit(main())
