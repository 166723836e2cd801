"""The server of the desktop program, which runs on a thread of its own. Importing this module takes a second."""

import logging
import logging.config
import logging.handlers
import socket
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from portal.actions.people.setup import LocalPerson, open_local_session
from portal.clock import utc_now
from portal.db.sql.opening import open_or_create
from portal.db.sql.schema import NewerDatabase, WrongDatabase, pinned_budget_timezone
from portal.db.sql.session import database, run_in_reading, run_in_transaction
from portal.desktop.access import Access, Happenings, Secrets
from portal.desktop.failures import Failure, failure_of, linked_log, newer, unexpected
from portal.desktop.folder import LOG
from portal.desktop.ports import kept_port
from portal.desktop.private import open_without_links
from portal.desktop.settings import DesktopSettings, desktop_settings
from portal.desktop.tickets import Tickets
from portal.errors import PortalError
from portal.settings import WrongSettings, use
from portal.system import person
from portal.web.logs import configuration
from portal.web.process import Server, server_of
from portal.web.server import build
from portal.web.startup import CannotStart

log = logging.getLogger(__name__)

_LARGEST_LOG = 1_000_000
"""Bytes of the log, and of the one before it, which is kept."""


class OwnLog(logging.handlers.RotatingFileHandler):
    """A log that is never written through a link, also if one appears while the program runs."""

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding=self.encoding, errors=self.errors, opener=open_without_links)


class WholeTargets(HttpToolsProtocol):
    """Requests as they came: an absolute target, `GET http://name/`, is one more host, which uvicorn would drop.

    Only clients of a proxy send it. The guard wants exactly one host, so it refuses all of them.
    """

    def on_headers_complete(self) -> None:
        """Add the target to the Host headers, unless it is a path."""
        if not self.url.startswith(b"/"):
            self.headers.append((b"host", self.url))
        super().on_headers_complete()


class PortalServer:
    """The whole portal behind its guard, for the local account."""

    def __init__(self, folder: Path, port: int, secret: str, tickets: Tickets, happenings: Happenings) -> None:
        """Open the data in `folder`, and build the server. Raises Failure."""
        try:
            settings = _open(folder, port)
            local = LocalPerson(person.user_name(), person.language(), person.time_zone())
            token = run_in_transaction(open_local_session, local, utc_now()).token
            self._access = Access(build(settings), port, Secrets(tickets, token, secret), happenings)
        except NewerDatabase as error:
            raise newer(folder) from error
        except (WrongDatabase, WrongSettings, CannotStart, SQLAlchemyError, PortalError, OSError) as error:
            raise failure_of(error, folder) or Failure(str(error)) from error
        self._settings = settings
        self._log = folder / LOG
        self._server: Server | None = None

    def run(self, listener: socket.socket, ready: Callable[[], None]) -> None:
        """Serve until `stop`; call `ready` when requests are answered. Raises Failure if the start fails."""
        self._server = server_of(self._access, self._settings, ready)
        self._server.config.http = WholeTargets
        try:
            self._server.run(sockets=[listener])
        except SystemExit:
            sentence = self._access.startup_failure
            raise Failure(sentence) if sentence else unexpected(self._log) from None
        finally:
            database().close()
        log.info("stopped")

    def stop(self) -> None:
        """Let the server end: it finishes running requests first."""
        if self._server is not None:
            self._server.should_exit = True


def _open(folder: Path, port: int) -> DesktopSettings:
    """Open the database; return the settings with its budget zone, which is that of the machine at the first start."""
    settings = desktop_settings(folder, port, person.time_zone(), kept_port(folder))
    if (folder / LOG).is_symlink():
        raise linked_log(folder / LOG)
    logging.config.dictConfig(_log_configuration(settings))
    logging.raiseExceptions = False  # a full disk would print a traceback for each line
    if settings.taken_port is not None:
        log.warning("another program has port %d, so this run uses port %d", settings.taken_port, port)
    open_or_create(settings.url, settings.database_pool)
    pinned = run_in_reading(pinned_budget_timezone)
    settings = settings.model_copy(update={"budget_timezone": pinned}) if pinned else settings
    use(settings)
    return settings


def _log_configuration(settings: DesktopSettings) -> dict[str, Any]:
    """Return the configuration of a log in a file; warnings are printed too."""
    chosen = configuration(settings.log_level, settings.log_format, access=False)
    chosen["handlers"]["stderr"]["level"] = "WARNING"
    chosen["handlers"]["file"] = {
        "()": OwnLog,
        "filename": str(settings.data_dir / LOG),
        "maxBytes": _LARGEST_LOG,
        "backupCount": 1,
        "encoding": "utf-8",
        "formatter": settings.log_format,
    }
    chosen["root"]["handlers"] = ["stderr", "file"]
    return chosen
