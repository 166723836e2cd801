"""Build the server from settings, database, API and pages.

Decision: the server is a FastAPI app with NiceGUI's app inside it, so that it answers the JSON API and the plain forms
without NiceGUI's session and middleware: a third of the work, and no storage for unknown visitors.
"""

import asyncio
import logging

from fastapi import FastAPI
from nicegui import app as nicegui_app
from nicegui import ui
from nicegui.dependencies import esm_modules
from nicegui.storage import Storage
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from portal import api, pages
from portal.api import errors as api_errors
from portal.pages import errors as page_errors
from portal.pages import open_pages
from portal.pages.components import live
from portal.pages.components.assets import STATIC
from portal.settings import Settings
from portal.web.files import add_files
from portal.web.guard import Guard, Pages
from portal.web.head_requests import HeadRequests
from portal.web.lifespan import Lifespan
from portal.web.startup import make_data_directory, storage_secret

_LOGGED_ELSEWHERE = page_errors.LoggedElsewhere()


def build(settings: Settings) -> ASGIApp:
    """Return the whole server as one ASGI app, which opens the database when it starts.

    NiceGUI has one app per process, so there is one server per process too.
    """
    make_data_directory(settings.data_dir)
    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)  # the API describes itself
    server.include_router(api.api_router(is_desktop=settings.is_desktop))
    pages.include_forms(server)
    add_files(server)
    _add_pages(server, settings)
    for app in (server, nicegui_app):
        page_errors.install(app)
        api_errors.install(app)
    nicegui_app.add_exception_handler(404, _NotFound(server))  # replaces NiceGUI's; a status goes before a class
    inside = GZipMiddleware(Pages(server, answer), minimum_size=1000, compresslevel=6)
    return Lifespan(HeadRequests(Guard(inside, settings, answer), open_pages.discard), settings)


def answer(request: Request, error: Exception) -> Response:
    """Return the answer to a request that failed: JSON for programs, a page for people."""
    wants_json = api_errors.wants_json(request.url.path)
    return (api_errors.error_answer if wants_json else page_errors.draw_error)(request, error)


def _add_pages(server: FastAPI, settings: Settings) -> None:
    """Mount NiceGUI's app, with all pages, in the server; it gets all requests without another route."""
    Storage.path = (settings.data_dir / "nicegui").resolve()
    nicegui_app.storage = Storage()
    esm_modules.clear()  # editors, maps and charts of up to 5 MB, which no page uses and every page would list
    pages.include_pages()
    live.start()
    open_pages.start()
    nicegui_app.on_exception(page_errors.tell_in_page)
    logging.getLogger("nicegui").addFilter(_LOGGED_ELSEWHERE)
    bar = nicegui_app.config.quasar_config["loadingBar"]
    bar["skipHijack"] = True  # the bar has no accessible name, and would run for every file of a page
    ui.run_with(
        server,
        title="MoE Portal",
        favicon=STATIC / "favicon.svg",
        language="en-GB",
        binding_refresh_interval=None,
        reconnect_timeout=30,
        gzip_middleware_factory=None,  # `build` compresses, after `Pages` has added the nonces
        show_welcome_message=False,
        storage_secret=storage_secret(settings),
        session_middleware_kwargs={
            "session_cookie": _page_cookie(settings),
            "https_only": settings.secure,
            "max_age": None,
        },
    )


def _page_cookie(settings: Settings) -> str:
    """Return the name of NiceGUI's cookie, by the same rules as that of the session."""
    if settings.is_desktop:
        return f"portal_page_{settings.port}"
    return "__Host-portal-page" if settings.secure else "portal_page"


class _NotFound:
    """Answers requests without a route in either app."""

    def __init__(self, server: FastAPI) -> None:
        self._server = server

    async def __call__(self, request: Request, error: Exception) -> Response:
        """Return 405 for a wrong method of a known address, 404 for an unknown address."""
        taken = api.methods_taken(request.url.path, self._server.router.routes)
        found = HTTPException(405, headers={"Allow": ", ".join(taken)}) if taken else error
        if api_errors.wants_json(request.url.path):
            return answer(request, found)
        return await asyncio.to_thread(page_errors.error_page, request, found)
