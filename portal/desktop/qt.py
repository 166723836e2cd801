"""A window of Qt, for machines without a browser: the same portal in QtWebEngine.

Decision: Qt has the main thread, as the shell has no use for it while it waits. Other threads reach the window by
signals, which Qt delivers on the main thread. A signal of the operating system is handled by Python code, so it wakes
Qt through a socket. Cookies are not stored: the cookie of a window ends with the program anyway.
"""

import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QEvent, QEventLoop, QObject, QSize, QSocketNotifier, QUrl, Signal
from PySide6.QtGui import QCloseEvent, QDesktopServices
from PySide6.QtWebEngineCore import (
    QWebEngineDownloadRequest,
    QWebEngineHttpRequest,
    QWebEnginePage,
    QWebEngineProfile,
    QWebEngineSettings,
)
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox

from portal.desktop.start_page import CANNOT_START, OPEN, StartPage
from portal.desktop.windows import CLOSED, Events, NewTicket
from portal.rules.messages import Message
from portal.system.folders import NAME
from portal.words import say

_FIRST_SIZE = QSize(1280, 860)
_TITLE = "MoE Portal"


class QtWindow:
    """The window of a run, drawn by Qt."""

    ends_with_pages = False

    def __init__(self, folder: Path, language: str, port: int, new_ticket: NewTicket, events: Events) -> None:
        """Keep the profile and the start page in `folder`; put CLOSED into `events`."""
        self._folder = folder
        self._language = language
        self._port = port
        self._new_ticket = new_ticket
        self._events = events
        self._page = StartPage(language)
        self._view: _View | None = None
        self._calls = _Calls()

    def open(self, screen: Mapping[str, str]) -> None:  # noqa: ARG002  # Qt keeps the screen of its start
        """Show the start page."""
        app = _application()
        self._calls = _Calls()
        self._view = _View(self._folder / "qt", lambda: self._events.put(CLOSED))
        self._view.load(QUrl.fromLocalFile(str(self._page.write(self._folder / "window"))))
        self._view.show()
        app.processEvents()

    def ready(self) -> None:
        """Go on to the portal with a ticket, which is on no disk."""
        if self._view is not None:
            address = QUrl(f"http://127.0.0.1:{self._port}{OPEN}")
            self._view.load(QWebEngineHttpRequest.postRequest(address, {"ticket": self._new_ticket()}))

    def used(self) -> None:
        """Do nothing: there is no file with the ticket."""

    def show(self, screen: Mapping[str, str]) -> None:  # noqa: ARG002  # the same
        """Raise the window; called on any thread."""
        if self._view is not None:
            self._calls.made.emit(self._view.to_front)

    def wait(self, events: Events) -> object:
        """Return the next event; meanwhile Qt draws."""
        if self._view is None:
            return events.get()
        taken: list[object] = []
        loop = QEventLoop()

        def take() -> None:
            taken.append(events.get())
            self._calls.made.emit(loop.quit)

        threading.Thread(target=take, daemon=True).start()
        with _waking_for_signals():
            loop.exec()
        return taken[0]

    def fail(self, sentence: Message | str) -> bool:
        """Show a sentence, and wait until the person has read it."""
        return show_failure(sentence, self._language)

    def close(self) -> None:
        """Close the window, and remove the start page."""
        if self._view is not None:
            self._view.end()
            self._view = None
        self._page.remove()


def show_failure(sentence: Message | str, language: str) -> bool:
    """Show a sentence in a dialog until the person closes it."""
    _application()
    QMessageBox.critical(None, say(CANNOT_START, language), say(sentence, language))
    return True


class _Calls(QObject):
    """Calls a function on the main thread."""

    made = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.made.connect(self._call)

    def _call(self, function: Callable[[], object]) -> None:
        function()


class _View(QWebEngineView):
    """The window: one page, without tabs and address."""

    def __init__(self, profile: Path, closed: Callable[[], None]) -> None:
        super().__init__()
        self._closed = closed
        self._profile = QWebEngineProfile(NAME)
        self._profile.setPersistentStoragePath(str(profile))
        self._profile.setCachePath(str(profile / "cache"))
        self._profile.setPersistentCookiesPolicy(QWebEngineProfile.PersistentCookiesPolicy.NoPersistentCookies)
        self._profile.downloadRequested.connect(self._save)
        page = _Page(self._profile, self)
        page.settings().setAttribute(QWebEngineSettings.WebAttribute.JavascriptCanAccessClipboard, True)
        page.renderProcessTerminated.connect(lambda *_: self.reload())
        self.setPage(page)
        self.setWindowTitle(_TITLE)
        self.titleChanged.connect(self.setWindowTitle)
        self.iconChanged.connect(self.setWindowIcon)
        self.resize(_FIRST_SIZE)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802  # Qt's name
        """Say that the person has closed the window."""
        self._closed()
        super().closeEvent(event)

    def to_front(self) -> None:
        """Show the window in front of others."""
        if self.isMinimized():
            self.showNormal()
        self.raise_()
        self.activateWindow()

    def end(self) -> None:
        """Close the window without an event, and end the processes of its page: the page goes before its profile."""
        self._closed = lambda: None
        self.close()
        for each in (self.page(), self._profile, self):
            each.deleteLater()
            QApplication.sendPostedEvents(each, QEvent.Type.DeferredDelete)

    def _save(self, download: QWebEngineDownloadRequest) -> None:
        """Ask where a download is saved."""
        proposed = str(Path(download.downloadDirectory()) / download.downloadFileName())
        chosen, _ = QFileDialog.getSaveFileName(self, _TITLE, proposed)
        if not chosen:
            download.cancel()
            return
        download.setDownloadDirectory(str(Path(chosen).parent))
        download.setDownloadFileName(Path(chosen).name)
        download.accept()


class _Page(QWebEnginePage):
    """A page with links to new windows, which open in the usual browser of the person."""

    def createWindow(self, _type: QWebEnginePage.WebWindowType) -> QWebEnginePage:  # noqa: N802  # Qt's name
        """Return a page that passes its first address on."""
        outside = QWebEnginePage(self.profile(), self)
        outside.urlChanged.connect(lambda address: _open_outside(address, outside))
        return outside


def _open_outside(address: QUrl, page: QWebEnginePage) -> None:
    QDesktopServices.openUrl(address)
    page.deleteLater()


def _application() -> QApplication:
    """Return the application of this process, which is made when it is first needed."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        os.environ["QTWEBENGINE_DISABLE_SANDBOX"] = "1"  # the sandbox does not work for root
    app = QApplication([NAME])
    app.setApplicationName(NAME)
    app.setDesktopFileName(NAME)  # by which a desktop finds the icon of the window
    app.setQuitOnLastWindowClosed(False)  # the shell decides
    return app


class _waking_for_signals:  # noqa: N801  # used like a function
    """Lets Python handle signals while Qt waits: each one wakes Qt through a socket."""

    def __enter__(self) -> None:
        self._reading, self._writing = socket.socketpair()
        for end in (self._reading, self._writing):
            end.setblocking(False)
        self._before = signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        self._notifier = QSocketNotifier(self._reading.fileno(), QSocketNotifier.Type.Read)
        self._notifier.activated.connect(lambda *_: self._reading.recv(4096))

    def __exit__(self, *_error: object) -> None:
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._before)
        self._reading.close()
        self._writing.close()
