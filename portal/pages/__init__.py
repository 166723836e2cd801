"""The pages people see: NiceGUI for the signed-in and live ones, plain HTML for those before that.

Decision: every module has a `router` of its own, which is included when the server is built. Routes that a decorator
registers on import would be gone after the first test, and would be there in programs that only wanted a component.
"""

from fastapi import FastAPI
from nicegui import app

from portal.pages.account import billing, dashboard, keys, profile
from portal.pages.account.usage import history
from portal.pages.admin import gateway, gateway_new, gateways
from portal.pages.forms import login, password_resets, setup

PAGES = (dashboard, billing, history, keys, profile, gateways, gateway_new, gateway)
"""NiceGUI's."""
FORMS = (login, setup, password_resets)
"""Plain HTML."""


def include_pages() -> None:
    """Add every NiceGUI page to NiceGUI's app."""
    for page in PAGES:
        app.include_router(page.router)


def include_forms(server: FastAPI) -> None:
    """Add every plain form to the server around NiceGUI's app, where no session of NiceGUI's is made for it."""
    for form in FORMS:
        server.include_router(form.router)
