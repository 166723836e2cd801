"""The run of the desktop program: one instance, port, window, server, end.

Decision: the main thread has the window and the signals, a second thread imports and runs the server. So the window is
there before the server is imported, and a toolkit that wants the main thread can have it. The port is bound before
anything starts, so its number is known, and a browser that comes early waits until the server answers.
"""

import logging
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from portal.desktop.browsers import has_screen
from portal.desktop.failures import Failure, failure_of, not_writable, unexpected
from portal.desktop.folder import LOG, choose_folder, prepare_folder
from portal.desktop.instance import Instance, Wish
from portal.desktop.lean import lean_imports
from portal.desktop.ports import HIGHEST, keep_port, listen, listen_as_before
from portal.desktop.start_page import write_ticket_page
from portal.desktop.tickets import Tickets
from portal.desktop.toolkit import new_window, show_failure
from portal.desktop.windows import CLOSED, NO_WINDOW, SCREEN_VARIABLES, Events, Window
from portal.system.children import clean_environment, end_with_parent
from portal.system.person import language
from portal.words import say

if TYPE_CHECKING:
    from portal.desktop.serving import PortalServer

log = logging.getLogger(__name__)

ENDS_WITHIN = 9.5
"""Seconds that the server has to end; then the process exits."""
_ENDING_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")
_SIGNAL = "signal"
_READY = "ready"
_SERVER_ENDED = "server ended"


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the command; None means the user's folder, and the port of the last start."""

    data: Path | None = None
    port: int | None = None
    has_window: bool = True


def port_problem(port: int | None) -> str | None:
    """Return a sentence about a port that cannot be asked for."""
    if port is None or 1 <= port <= HIGHEST:
        return None
    return f"--port is a number from 1 to {HIGHEST}. Without --port, that of the last start is used."


def data_problem(given: str | None) -> str | None:
    """Return a sentence about an empty name of a folder; a `Path` of it would be the current folder."""
    return "--data has no name of a folder. Without --data, the folder of your user is used." if given == "" else None


def run(options: Options) -> int:
    """Serve the portal of this person until it ends; return the exit status."""
    os.umask(0o077)  # only the owner may read the data, the pages and the log
    clean_environment()
    end_with_parent()
    try:
        return _run(options)
    except Failure as failure:
        sys.stderr.write(f"{say(failure.sentence, language())}\n")
        if options.has_window:
            show_failure(failure.sentence, language())
        return 1


def _run(options: Options) -> int:
    folder = choose_folder(options.data)
    prepare_folder(folder)
    instance = Instance(folder)
    if not instance.take():
        screen = {name: os.environ[name] for name in SCREEN_VARIABLES if name in os.environ}
        answer = instance.ask(Wish(options.has_window and has_screen(), screen))
        if answer is not None:
            _print_address(int(answer["port"]), answer.get("ticket"))
            return 0
    try:
        with _listener(folder, options.port) as listener:
            started = _Run(options, folder, instance, listener)
            instance.publish(listener.getsockname()[1])
            return started.run()
    finally:
        instance.release()


def _listener(folder: Path, port: int | None) -> socket.socket:
    return listen_as_before(folder) if port is None else keep_port(folder, listen(port))


class _Run:
    """One run of the program with its folder locked and its port bound."""

    def __init__(self, options: Options, folder: Path, instance: Instance, listener: socket.socket) -> None:
        self._options = options
        self._folder = folder
        self._instance = instance
        self._listener = listener
        self._port: int = listener.getsockname()[1]
        self._tickets = Tickets()
        self._events: Events = Events()
        self._window: Window = new_window(
            folder, language(), self._port, self._tickets.issue, self._events, is_shown=options.has_window
        )
        self._server: PortalServer | None = None
        self._is_stopping = threading.Event()
        self._uses_data = threading.Event()
        for name in _ENDING_SIGNALS:
            _on_signal(name, self._events)

    def run(self) -> int:
        """Run until the window is closed, a signal comes, or the server fails; return the exit status."""
        server = threading.Thread(target=self._serve, daemon=True)
        try:
            if self._options.has_window:
                self._window.open({})
            server.start()
            self._wait()
        except Failure as failure:
            self._end_server(server)
            sys.stderr.write(f"{say(failure.sentence, language())}\n")
            if self._options.has_window and not self._window.fail(failure.sentence):
                self._window.close()
                show_failure(failure.sentence, language())
            return 1
        self._is_stopping.set()
        self._window.close()
        self._end_server(server)
        (self._folder / "open.html").unlink(missing_ok=True)
        return 0

    def _wait(self) -> None:
        """Take the events until the run must end. Raises Failure."""
        has_window = self._options.has_window
        is_ready = False
        while True:
            match self._window.wait(self._events):
                case Failure() as failure:
                    raise failure
                case event if event == _READY:
                    is_ready = True
                    _print_address(self._port, None if has_window else self._new_ticket_page())
                    self._window.ready()
                case event if event == NO_WINDOW and has_window:
                    has_window = False
                    if is_ready:
                        _print_ticket(self._new_ticket_page())
                case event if event in {_SIGNAL, _SERVER_ENDED}:
                    return
                case event if event == CLOSED and has_window:
                    return

    def _serve(self) -> None:
        """Import the server and run it; put a failure into the events."""
        with lean_imports():
            from portal.desktop.access import Happenings  # noqa: PLC0415  # takes a second to import, as the server
            from portal.desktop.serving import PortalServer  # noqa: PLC0415

        try:
            self._uses_data.set()
            if self._is_stopping.is_set():
                return
            happenings = Happenings(self._window.used, self._gone, self._wished)
            self._server = PortalServer(self._folder, self._port, self._instance.secret, self._tickets, happenings)
            if not self._is_stopping.is_set():
                self._server.run(self._listener, lambda: self._events.put(_READY))
            self._events.put(_SERVER_ENDED)
        except Failure as failure:
            self._events.put(failure)
        except Exception as error:  # a bug; its traceback is in the log
            log.exception("unexpected")
            self._events.put(failure_of(error, self._folder) or unexpected(self._folder / LOG))

    def _new_ticket_page(self) -> Path:
        """Write the file that opens a window. Raises Failure."""
        page = self._folder / "open.html"
        try:
            return write_ticket_page(page, language(), self._port, self._tickets.issue())
        except OSError as error:
            raise failure_of(error, self._folder) or not_writable(self._folder) from error

    def _gone(self) -> None:
        if self._window.ends_with_pages:
            self._events.put(CLOSED)

    def _wished(self, wish: Wish) -> dict[str, Any]:
        """Do what a second start wishes; return the answer to it."""
        if not wish.is_window:
            return {"port": self._port, "ticket": str(self._new_ticket_page())}
        self._window.show(wish.screen)
        return {"port": self._port}

    def _end_server(self, thread: threading.Thread) -> None:
        """Stop the server, and wait for it, unless it is still being imported and has no data to store."""
        self._is_stopping.set()
        if self._server is not None:
            self._server.stop()
        if thread.is_alive() and self._uses_data.is_set():
            thread.join(ENDS_WITHIN)


def _on_signal(name: str, events: Events) -> None:
    """Put a signal into the events, unless the system lacks it or whoever started the program has it ignored."""
    number = getattr(signal, name, None)
    if number is None or signal.getsignal(number) is signal.SIG_IGN:
        return

    def note(_number: int, _frame: FrameType | None) -> None:
        events.put(_SIGNAL)

    signal.signal(number, note)


def _print_address(port: int, ticket: object = None) -> None:
    """Print the line that says that the program is ready."""
    sys.stdout.write(f"MoE Portal http://127.0.0.1:{port}/\n")
    sys.stdout.flush()
    if ticket is not None:
        _print_ticket(ticket)


def _print_ticket(page: object) -> None:
    with suppress(OSError):
        sys.stdout.write(f"ticket {page}\n")
        sys.stdout.flush()
