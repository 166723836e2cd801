"""The window of the program: what the shell needs of it, and the window that browsers show.

Decision: a browser that ends with an error before its page has used its ticket could not show the window, for instance
without a sandbox; the next one is tried, then the usual browser of the person. If none can, the program goes on
without a window.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

from portal.desktop import default_browser
from portal.desktop.browsers import Browser, find_browsers, has_screen
from portal.desktop.chromium import Chromium, add_window, start
from portal.desktop.start_page import StartPage, write_ticket_page
from portal.rules.messages import Message

CLOSED = "closed"
"""The event of a window that the person has closed."""
NO_WINDOW = "no window"
"""The event of a start without any browser that shows a window."""
SCREEN_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_ACTIVATION_TOKEN", "DESKTOP_STARTUP_ID")

_WAKES_EVERY = 1.0
"""Seconds between two looks at signals."""

Events = SimpleQueue[object]
"""What happens in a run; its main thread takes the events one by one."""
NewTicket = Callable[[], str]


class Window(Protocol):
    """The window of a run."""

    ends_with_pages: bool
    """Whether the program must end when no page is open, since nobody else notices that the window was closed."""

    def open(self, screen: Mapping[str, str]) -> None:
        """Show the start page; `screen` are variables of the screen to use."""

    def ready(self) -> None:
        """Go on to the portal, which answers now."""

    def used(self) -> None:
        """Note that a page has used its ticket."""

    def show(self, screen: Mapping[str, str]) -> None:
        """Show the window in front of others, or a new one if there is none."""

    def wait(self, events: Events) -> object:
        """Return the next event; called on the main thread."""

    def fail(self, sentence: Message | str) -> bool:
        """Show why the program cannot start; return whether the window did, and stays after the process."""

    def close(self) -> None:
        """Close the window and remove its files."""


class BrowserWindow:
    """The window of a browser: a Chromium without tabs and address, or the usual browser of the person."""

    def __init__(self, folder: Path, language: str, port: int, new_ticket: NewTicket, events: Events) -> None:
        """Keep profile and pages in `folder`; put CLOSED and NO_WINDOW into `events`."""
        self.ends_with_pages = False
        self._folder = folder
        self._language = language
        self._port = port
        self._new_ticket = new_ticket
        self._events = events
        self._page = StartPage(language)
        self._lock = threading.RLock()
        self._browsers: Iterator[Browser] = iter(())
        self._browser: Browser | None = None
        self._chromium: Chromium | None = None
        self._is_ready = False
        self._is_used = False
        self._is_ending = False

    def open(self, screen: Mapping[str, str]) -> None:
        """Show the start page in the first browser that can."""
        with self._lock:
            self._browsers = iter(find_browsers() if has_screen(variables={**os.environ, **screen}) else ())
            self._is_used = False
            self._try_next(screen)

    def ready(self) -> None:
        """Give the start page its ticket."""
        with self._lock:
            self._is_ready = True
            if self._chromium is not None and not self._is_used:
                self._go_on()

    def used(self) -> None:
        """Remove the ticket from the disk."""
        with self._lock:
            self._is_used = True
            with suppress(OSError):
                self._page.finish()

    def show(self, screen: Mapping[str, str]) -> None:
        """Raise the window; open another one if it cannot be raised."""
        with self._lock:
            chromium, browser = self._chromium, self._browser
            if chromium is None or browser is None or not chromium.is_running:
                self.open(screen)
            elif not chromium.activate(f"http://127.0.0.1:{self._port}/"):
                room = browser.room(self._folder)
                page = write_ticket_page(_pages(room) / "again.html", self._language, self._port, self._new_ticket())
                add_window(browser, _profile(room), page, screen)

    def wait(self, events: Events) -> object:
        """Return the next event; wakes up in between, since Windows handles no signal while a thread waits."""
        while True:
            with suppress(Empty):
                return events.get(timeout=_WAKES_EVERY)

    def fail(self, sentence: Message | str) -> bool:
        """Show a sentence in place of the start page; without a page that waits, return False."""
        with self._lock:
            chromium = self._chromium
            if chromium is None or self._is_used or not chromium.is_running:
                return False
            self._is_ending = True
            self._page.fail(sentence)
            chromium.leave(None)
            return True

    def close(self) -> None:
        """Close the browser, and remove the pages; tabs of the usual browser stay, and say that the portal is gone."""
        with self._lock:
            self._is_ending = True
            chromium = self._chromium
        if chromium is not None:
            chromium.close()
        self._page.remove()

    def _go_on(self) -> None:
        with suppress(OSError):  # the disk is full; the start page waits on
            self._page.go_on(self._port, self._new_ticket())

    def _try_next(self, screen: Mapping[str, str]) -> None:
        """Show the start page in the next browser, else in the usual one."""
        self._chromium = None
        for browser in self._browsers:
            room = browser.room(self._folder)
            with suppress(OSError):
                self._chromium = start(browser, _profile(room), self._page.write(_pages(room)), screen)
                self._browser = browser
                self.ends_with_pages = os.name != "posix" or os.uname().sysname == "Darwin"
                threading.Thread(target=self._watch, args=(self._chromium, screen), daemon=True).start()
                if self._is_ready:
                    self._go_on()
                return
        if not (has_screen(variables={**os.environ, **screen}) and self._open_usual_browser()):
            self._events.put(NO_WINDOW)

    def _open_usual_browser(self) -> bool:
        """Open a page with its ticket: a browser in a sandbox may read that one file, and no later ticket."""
        with suppress(OSError):
            pages = _pages(default_browser.room(self._folder))
            page = write_ticket_page(pages / "open.html", self._language, self._port, self._new_ticket())
            self.ends_with_pages = default_browser.open_page(page)
        return self.ends_with_pages

    def _watch(self, chromium: Chromium, screen: Mapping[str, str]) -> None:
        status = chromium.wait()
        with self._lock:
            if self._is_ending or chromium is not self._chromium:
                return
            if status != 0 and not self._is_used:
                self._try_next(screen)
            elif self._is_used or not self.ends_with_pages:  # else another process of the browser shows the window
                self._chromium = None
                self._events.put(CLOSED)


def _pages(room: Path) -> Path:
    return room / "window"


def _profile(room: Path) -> Path:
    return room / "browser"
