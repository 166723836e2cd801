"""Open a page in the person's usual browser."""

import re
import shutil
import subprocess
import sys
import webbrowser
from contextlib import suppress
from pathlib import Path

from portal.system.folders import NAME

_DECIDES_WITHIN = 3.0
"""Seconds after which `xdg-open` counts as successful: some browsers keep it running."""
_SNAP = re.compile(r"([\w-]+)_[\w-]+\.desktop")


def room(folder: Path, home: Path | None = None) -> Path:
    """Return the folder for pages that the usual browser may read: a snap reads no hidden folder of the user."""
    name = _name_of_default()
    snap = _SNAP.fullmatch(name)
    base = (home or Path.home()) / "snap" / (snap[1] if snap else "")
    return base / "common" / NAME if snap and base.is_dir() else folder


def open_page(page: Path) -> bool:
    """Show a page in the usual browser; return whether there is one."""
    opener = shutil.which("xdg-open") if sys.platform.startswith("linux") else None
    if opener is None:
        with suppress(webbrowser.Error):
            return webbrowser.open(page.as_uri())
        return False
    null = subprocess.DEVNULL
    child = subprocess.Popen(  # noqa: S603  # the system's program for this
        [opener, page.as_uri()], stdin=null, stdout=null, stderr=null, start_new_session=True
    )
    try:
        return child.wait(_DECIDES_WITHIN) == 0
    except subprocess.TimeoutExpired:
        return True


def _name_of_default() -> str:
    """Return the name of the usual browser's entry: `firefox_firefox.desktop` for a snap; empty if it is not known."""
    program = shutil.which("xdg-settings") if sys.platform.startswith("linux") else None
    if program is None:
        return ""
    with suppress(OSError, subprocess.SubprocessError):
        command = [program, "get", "default-web-browser"]
        found = subprocess.run(command, capture_output=True, text=True, timeout=3, check=False)  # noqa: S603
        return found.stdout.strip()
    return ""
