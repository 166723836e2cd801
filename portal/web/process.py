"""Run the server as a process: its socket, its signals, its end."""

import gc
import logging
import logging.config
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from portal.settings import Settings
from portal.version import version
from portal.web.bodies import LARGEST_MESSAGE
from portal.web.logs import configuration
from portal.web.server import build
from portal.web.startup import CannotStart, address

log = logging.getLogger(__name__)

FINISHED_WITHIN = 6
"""Seconds that running requests have to finish after a signal to stop."""
STOPPED_WITHIN = 9.5
"""Seconds after the signal until the process exits, even if something still runs."""


def serve(settings: Settings, *, access_log: bool = True, ready: Callable[[], None] = lambda: None) -> None:
    """Serve until a signal stops the process. Raises SystemExit(1), with a sentence on stderr, if it cannot start.

    `ready` is called as soon as the server answers requests.
    """
    logging.config.dictConfig(configuration(settings.log_level, settings.log_format, access=access_log))
    os.umask(0o077)  # only the owner may read the database, its journals and the secret
    try:
        listener = listen(settings.host, settings.port)
        port = listener.getsockname()[1]
        app = build(settings.model_copy(update={"port": port}))
    except CannotStart as error:
        log.critical("%s", error)
        raise SystemExit(1) from None

    def announce() -> None:
        log.info("MoE Portal %s on %s", version(), address(settings, port))
        ready()

    try:
        server_of(app, settings, announce).run_until_signal(listener)
    except SystemExit:
        raise SystemExit(1) from None  # the reason is in the log
    log.info("stopped")


def server_of(app: ASGIApp, settings: Settings, announce: Callable[[], None]) -> "Server":
    """Return the server of an app, which is not started yet."""
    return Server(
        uvicorn.Config(
            app,
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            ws_max_size=LARGEST_MESSAGE,
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=settings.trusted_proxies,
            log_config=None,
            timeout_graceful_shutdown=FINISHED_WITHIN,
        ),
        announce,
    )


class Server(uvicorn.Server):
    """A server that calls a function when it answers, and exits in time, even if a thread waits for the database."""

    _last: threading.Timer | None = None

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        """Store `announce`, which is called when requests are answered, but not if the start fails."""
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and call `announce` if that succeeds."""
        await super().startup(sockets)
        if self.started and not self.should_exit:
            self._announce()

    def run_until_signal(self, listener: socket.socket) -> None:
        """Serve until SIGTERM or SIGINT. Raises SystemExit if the start fails, and logs the reason."""
        signal.signal(
            signal.SIGTERM, lambda *_: None
        )  # uvicorn raises it again at the end; a requested stop is no failure
        with suppress(KeyboardInterrupt):
            self.run(sockets=[listener])

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal or `should_exit`; then cancel the timer that ends the process."""
        gc.collect()
        gc.freeze()  # these objects are never collected; to check them again makes large pages slow
        gc.set_threshold(50_000, 20, 100)
        try:
            super().run(sockets)
        finally:
            if self._last is not None:
                self._last.cancel()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Start to stop; the process exits at the latest after `STOPPED_WITHIN` seconds."""
        if self._last is None:
            self._last = threading.Timer(STOPPED_WITHIN, os._exit, (1,))
            self._last.daemon = True
            self._last.start()
        super().handle_exit(sig, frame)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that accepts connections. Raises CannotStart."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    try:
        return socket.create_server((host, port), family=family, backlog=2048, dualstack_ipv6=both)
    except OSError as error:
        raise CannotStart(
            f"Cannot listen on {host} port {port}: {error.strerror or error}. "
            "PORTAL_HOST and PORTAL_PORT say where else."
        ) from error
