"""Wires settings, database, API and pages into one server, and runs it.

Decision: the server is a FastAPI app of our own with NiceGUI's app inside it, so that the JSON API and the plain forms
are answered without NiceGUI's session and middleware: a third of the work, and no storage for each who knocks.
"""

import asyncio
import gc
import logging
import logging.config
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from mimetypes import guess_type
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI
from nicegui import app as nicegui_app
from nicegui import ui
from nicegui.storage import Storage
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal import api, pages
from portal.actions.first_administrator import create_first_administrator
from portal.actions.setup import new_setup_link
from portal.api import errors as api_errors
from portal.clock import utc_now
from portal.db.sql.opening import open_or_create, shown
from portal.db.sql.schema import WrongDatabase, pin_budget_timezone
from portal.db.sql.session import database, run_in_transaction
from portal.errors import Conflict, InvalidInput, MissingExtra, PortalError
from portal.jobs import forecast, outbox, verification
from portal.pages import clients
from portal.pages import errors as page_errors
from portal.pages.components import live
from portal.pages.components.assets import JOINED, STATIC, content, static
from portal.pages.navigation import DASHBOARD
from portal.settings import Settings
from portal.version import version
from portal.web.guard import YEAR, Guard, Pages
from portal.web.heads import Heads
from portal.web.logs import configuration

log = logging.getLogger(__name__)

FINISHED_WITHIN = 6
"""Seconds that requests under way have when the server is told to stop."""
STOPPED_WITHIN = 9.5
"""Seconds after which it stops whatever still runs."""
LARGEST_MESSAGE = 1_000_000
"""Bytes of one message on a page's websocket."""


class CannotStart(Exception):
    """The server cannot start; the message is a sentence for the operator."""


def build(settings: Settings) -> ASGIApp:
    """Return the whole server as one ASGI app, which opens the database when it starts.

    NiceGUI has one app a process, so there is one server a process too.
    """
    make_private(settings.data_dir)
    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)  # the API describes itself
    server.include_router(api.router)
    pages.include_forms(server)
    _add_front_door(server)
    _add_pages(server, settings)
    for app in (server, nicegui_app):
        page_errors.install(app)
        api_errors.install(app)
    nicegui_app.add_exception_handler(404, _NotFound(server))  # it has one itself, and a number goes first
    inside = GZipMiddleware(Pages(server, answer), minimum_size=1000, compresslevel=6)
    return Opened(Heads(Guard(inside, settings, answer), clients.discard), settings)


def answer(request: Request, error: Exception) -> Response:
    """Say a failure to whoever asked: as JSON to programs, as a page to people."""
    wants_json = api_errors.wants_json(request.url.path)
    return (api_errors.error_answer if wants_json else page_errors.draw_error)(request, error)


def serve(settings: Settings, *, access_log: bool = True, ready: Callable[[], None] = lambda: None) -> None:
    """Serve until told to stop; SystemExit(1), with a sentence on stderr, when that cannot even begin.

    `ready` is called as soon as requests are answered.
    """
    logging.config.dictConfig(configuration(settings.log_level, settings.log_format, access=access_log))
    os.umask(0o077)  # the database, its journals and the secret are nobody else's
    try:
        listener = listen(settings.host, settings.port)
        port = listener.getsockname()[1]
        app = build(settings.model_copy(update={"port": port}))
    except CannotStart as error:
        log.critical("%s", error)
        raise SystemExit(1) from None
    gc.collect()
    gc.freeze()  # what is here now stays; looking through it again and again is what makes large pages slow
    gc.set_threshold(50_000, 20, 100)

    def announce() -> None:
        log.info("MoE Portal %s on %s", version(), address(settings, port))
        ready()

    server = Server(
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
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises it again at the end; stopping as told is no failure
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass
    except SystemExit:
        raise SystemExit(1) from None  # why was logged
    log.info("stopped")


class Server(uvicorn.Server):
    """A server that says when it answers, and has stopped in time, even if a thread of it hangs in the database."""

    _last: threading.Timer | None = None

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        """Prepare to serve; `announce` is called once requests are answered, never when the start fails."""
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the database, begin to answer, and say so."""
        await super().startup(sockets)
        if self.started and not self.should_exit:
            self._announce()

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop."""
        try:
            super().run(sockets)
        finally:
            if self._last is not None:
                self._last.cancel()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop."""
        if self._last is None:
            self._last = threading.Timer(STOPPED_WITHIN, os._exit, (1,))
            self._last.daemon = True
            self._last.start()
        super().handle_exit(sig, frame)


_JOBS = (verification.run_nightly, outbox.run_outbox, forecast.run_forecasts)
"""What runs on its own for as long as the server does."""


class Opened:
    """Opens the database before anything else starts, and closes it after everything has stopped.

    What runs on its own runs in between.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Stand around the whole server."""
        self.app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on but the start, which can fail with a sentence in place of a traceback."""
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        start = await receive()
        try:
            await asyncio.to_thread(open_portal, self._settings)
        except CannotStart as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        jobs = [asyncio.create_task(job()) for job in _JOBS]

        async def send_after_jobs(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown"):  # nothing is waited for once this is said
                await _end(jobs)
            await send(message)

        try:
            await self.app(scope, _first(start, receive), send_after_jobs)
        finally:
            await _end(jobs)
            database().close()


async def _end(jobs: list[asyncio.Task[None]]) -> None:
    for job in jobs:
        job.cancel()
    await asyncio.wait(jobs)


def open_portal(settings: Settings) -> None:
    """Open and migrate the database; print a setup link if there is no active administrator. Raises CannotStart."""
    try:
        opened = open_or_create(settings.url, settings.database_pool)
        pin_budget_timezone(opened, settings.budget_timezone)
        log.info("database: %s", shown(settings.url))
        _create_administrator(settings)
        token = run_in_transaction(new_setup_link, utc_now())
    except (WrongDatabase, MissingExtra) as error:
        raise CannotStart(str(error)) from error
    except (SQLAlchemyError, PortalError, ImportError, OSError) as error:
        raise CannotStart(f"The database cannot be opened: {_reason(error)}") from error
    if token is not None:
        link = f"{address(settings, settings.port)}/user/setup?token={token}"
        sys.stdout.write(f"There is no administrator yet. Create one, once, at\n{link}\n")
        sys.stdout.flush()


def _create_administrator(settings: Settings) -> None:
    """Create the administrator that the settings name, unless there is one. Raises CannotStart."""
    if settings.admin_username is None or settings.admin_password is None:
        return
    try:
        created = create_first_administrator(
            settings.admin_username, settings.admin_email, settings.admin_password.get_secret_value(), utc_now()
        )
    except (InvalidInput, Conflict) as error:
        field = getattr(error, "field", None)
        name = "PORTAL_ADMIN_" + {"email": "EMAIL", "password": "PASSWORD"}.get(field or "", "USERNAME")
        raise CannotStart(f"{name}: {error.detail}") from error
    if created:
        log.info("created the administrator %s", settings.admin_username)


def _reason(error: BaseException) -> str:
    """Return in one line what the driver said, which is below what our layers made of it."""
    while not hasattr(error, "orig") and error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(getattr(error, "orig", None) or error).split())


def address(settings: Settings, port: int) -> str:
    """Return where people find the portal."""
    if settings.base_url:
        return settings.base_url.rstrip("/")
    host = "localhost" if settings.host in {"", "0.0.0.0", "::"} else settings.host  # noqa: S104  # recognised only
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that takes connections. Raises CannotStart."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    try:
        return socket.create_server((host, port), family=family, backlog=2048, dualstack_ipv6=both)
    except OSError as error:
        raise CannotStart(
            f"Cannot listen on {host} port {port}: {error.strerror or error}. "
            "PORTAL_HOST and PORTAL_PORT say where else."
        ) from error


def make_private(directory: Path) -> None:
    """Create a directory that is nobody else's, unless it is there. Raises CannotStart."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"The data directory {directory} cannot be made: {error.strerror or error}.") from error


def storage_secret(settings: Settings) -> str:
    """Return what signs NiceGUI's cookie: the operator's choice, else made once and kept. Raises CannotStart."""
    if settings.secret is not None:
        return settings.secret.get_secret_value()
    path = settings.data_dir / "secret"
    try:
        if not path.exists():
            fresh = path.with_name(f"secret.{os.getpid()}")
            fresh.touch(0o600)
            fresh.write_text(secrets.token_urlsafe(48), encoding="ascii")
            with suppress(FileExistsError):
                os.link(fresh, path)  # whole or not at all, and of two at once the first one stays
            fresh.unlink()
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise CannotStart(f"The secret in {path} can be neither read nor made: {error}") from error


class OwnFiles(StaticFiles):
    """Our own files: cached for ever under the address that names their content, asked for anew under any other."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with a file."""
        if path in JOINED and scope["method"] == "GET":
            response = Response(content(path), media_type=guess_type(path)[0])
        else:
            response = await super().get_response(path, scope)
        is_versioned = scope["query_string"] and static(path).endswith(f"?{scope['query_string'].decode('latin-1')}")
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if is_versioned else "no-cache"
        return response


def _add_front_door(server: FastAPI) -> None:
    """Add what every site has: its own files, an icon, and a way from the bare address to the first page."""
    server.mount("/static", OwnFiles(directory=STATIC))

    @server.get("/favicon.ico", include_in_schema=False)
    async def favicon() -> Response:
        return FileResponse(STATIC / "favicon.svg", headers={"Cache-Control": "public, max-age=86400"})

    @server.get("/", include_in_schema=False)
    async def home() -> Response:
        return RedirectResponse(DASHBOARD.path, 303)


def _add_pages(server: FastAPI, settings: Settings) -> None:
    """Put NiceGUI's app, with all pages, inside the server; it gets what no other route takes."""
    Storage.path = (settings.data_dir / "nicegui").resolve()
    nicegui_app.storage = Storage()
    pages.include_pages()
    live.start()
    clients.start()
    nicegui_app.on_exception(page_errors.tell_in_page)
    logging.getLogger("nicegui").addFilter(_logged_elsewhere)
    bar = nicegui_app.config.quasar_config["loadingBar"]
    bar["skipHijack"] = True  # it would run, nameless and in no landmark, for any file a page asks for
    ui.run_with(
        server,
        title="MoE Portal",
        favicon=STATIC / "favicon.svg",
        language="en-US",
        binding_refresh_interval=None,
        reconnect_timeout=30,
        gzip_middleware_factory=None,  # compressed further out, after the scripts have been marked
        show_welcome_message=False,
        storage_secret=storage_secret(settings),
        session_middleware_kwargs={
            "session_cookie": "__Host-portal-page" if settings.secure else "portal_page",
            "https_only": settings.secure,
            "max_age": None,
        },
    )


class _NotFound:
    """Answers what neither app has: NiceGUI's app gets all that the server around it did not take."""

    def __init__(self, server: FastAPI) -> None:
        self._server = server

    async def __call__(self, request: Request, error: Exception) -> Response:
        """Tell a wrong method from a wrong address."""
        taken = api.methods_taken(request.url.path, self._server.router.routes)
        found = HTTPException(405, headers={"Allow": ", ".join(taken)}) if taken else error
        if api_errors.wants_json(request.url.path):
            return answer(request, found)
        return await asyncio.to_thread(page_errors.error_page, request, found)


_logged_elsewhere = page_errors.LoggedElsewhere()


def _first(message: Message, receive: Receive) -> Callable[[], Awaitable[Message]]:
    """Return a `receive` that gives one message before all others."""
    waiting = [message]

    async def give() -> Message:
        return waiting.pop() if waiting else await receive()

    return give
