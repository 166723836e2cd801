"""What draws the window: Qt where it is installed, as in the file of `make desktop-qt`, else a browser."""

from contextlib import suppress
from pathlib import Path
from types import ModuleType

from portal.desktop import failure_window
from portal.desktop.browsers import has_screen
from portal.desktop.windows import BrowserWindow, Events, NewTicket, Window
from portal.rules.messages import Message


def new_window(
    folder: Path, language: str, port: int, new_ticket: NewTicket, events: Events, *, is_shown: bool
) -> Window:
    """Return the window of a run; a window that is not shown needs no toolkit."""
    qt = _qt() if is_shown else None
    if qt is None:
        return BrowserWindow(folder, language, port, new_ticket, events)
    window: Window = qt.QtWindow(folder, language, port, new_ticket, events)
    return window


def show_failure(sentence: Message | str, language: str) -> bool:
    """Show a sentence; return whether the person can see it."""
    qt = _qt()
    return bool(qt.show_failure(sentence, language)) if qt else failure_window.show_failure(sentence, language)


def _qt() -> ModuleType | None:
    """Return the window of Qt, if it is installed and has a screen: without one, Qt would end the process."""
    if has_screen():
        with suppress(ImportError):
            from portal.desktop import qt  # noqa: PLC0415  # an extra; takes long to import

            return qt
    return None
