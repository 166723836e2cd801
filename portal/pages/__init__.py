"""The pages: NiceGUI for signed-in people, plain HTML for the forms before the sign-in.

Decision: the desktop program has no forms and no pages of administration; their addresses are unknown there.

Decision: every module has a `router` of its own, which is included when the server is built. Routes that a decorator
registers on import would be lost after the first test, and would exist in programs that import only a component.
"""

from types import ModuleType

from fastapi import FastAPI
from nicegui import app

from portal.pages.account import billing, dashboard, keys, profile, programs
from portal.pages.account.backup import files
from portal.pages.account.usage import history
from portal.pages.forms import login, password_resets, setup
from portal.settings import settings

PAGES = (dashboard, billing, history, keys, profile)
"""Modules with NiceGUI pages of people; `administration` lists those of administrators."""
DESKTOP_PAGES = (dashboard, billing, history, programs, profile)
"""Those of the desktop program."""
FORMS = (login, setup, password_resets)
"""Modules with plain HTML forms."""
DESKTOP_FORMS = (files,)
"""Modules of the desktop program with requests that are no pages."""


def server_pages() -> tuple[ModuleType, ...]:
    """Return the modules with NiceGUI pages of a server."""
    from portal.pages import administration  # noqa: PLC0415  # the desktop program saves its memory

    return (*PAGES, *administration.PAGES)


def include_pages() -> None:
    """Add every NiceGUI page to NiceGUI's app."""
    for page in DESKTOP_PAGES if settings().is_desktop else server_pages():
        app.include_router(page.router)


def include_forms(server: FastAPI) -> None:
    """Add every plain form to the server around NiceGUI's app, so that NiceGUI creates no session for it."""
    for form in DESKTOP_FORMS if settings().is_desktop else FORMS:
        server.include_router(form.router)
