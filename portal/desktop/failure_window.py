"""Show a failure in a window of its own, where the program has no window yet or no place in its folder."""

import os
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from portal.desktop import default_browser
from portal.desktop.browsers import find_browsers, has_screen
from portal.desktop.chromium import start
from portal.desktop.start_page import write_failure_page
from portal.rules.messages import Message

_STAYS = 2.0
"""Seconds after which a browser that still runs counts as showing the page."""


def show_failure(sentence: Message | str, language: str) -> bool:
    """Show a sentence in a browser, which stays after this process has ended; return whether one could be started."""
    if not has_screen():
        return False
    for browser in find_browsers():
        with suppress(OSError):
            folder = Path(tempfile.mkdtemp(prefix="moe-portal-", dir=_place(browser.room(Path(tempfile.gettempdir())))))
            page = write_failure_page(folder / "failure.html", language, sentence)
            chromium = start(browser, folder / "browser", page, {})
            watch = threading.Thread(target=chromium.wait, daemon=True)
            watch.start()
            watch.join(_STAYS)
            if chromium.is_running:
                chromium.leave(folder)
                return True
    with suppress(OSError):
        folder = Path(
            tempfile.mkdtemp(prefix="moe-portal-", dir=_place(default_browser.room(Path(tempfile.gettempdir()))))
        )
        return default_browser.open_page(write_failure_page(folder / "failure.html", language, sentence))
    return False


def _place(room: Path) -> Path:
    """Return a folder for temporary files, which is created if it does not exist. Raises OSError."""
    os.makedirs(room, mode=0o700, exist_ok=True)  # noqa: PTH103  # the same for a folder that exists
    return room
