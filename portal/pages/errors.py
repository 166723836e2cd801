"""What people are answered when a page cannot be shown: a sentence, a way on, and of a bug no more than its number.

Decision: these answers are plain HTML even where NiceGUI failed. Its own error page shows the name and text of the
exception; and a page whose building raised has no need of a websocket. So nothing is set with `on_page_exception`:
NiceGUI then raises what the page raised, and the handlers below answer it like any other failure.
"""

import logging
import secrets
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from nicegui import ui
from nicegui.slot import Slot
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from portal.errors import NotSignedIn, PortalError
from portal.pages.addresses import SIGN_IN, sign_in_path
from portal.pages.forms.rendering import html_page
from portal.pages.navigation import menu_of
from portal.views.accounts import Viewer
from portal.web.visitors import viewer_of

log = logging.getLogger(__name__)

KINDS: tuple[type[Exception], ...] = (PortalError, RequestValidationError, HTTPException, Exception)


@dataclass(frozen=True, slots=True)
class Said:
    """What an error page says; `code` is what the visitor may tell the administrator."""

    title: str
    sentence: str
    code: str | None = None


_BROKEN = Said(
    "Something went wrong on our side",
    "Your data is safe. Try again; if it keeps happening, give your administrator the number below.",
)
_SENTENCES = {
    404: Said("Page not found", "There is no page at this address. It may have moved, or the link is incomplete."),
    405: Said("Nothing to show here", "This address only takes what a form sends. Start from the dashboard."),
    413: Said("Too much at once", "What was sent is larger than the portal takes."),
    422: Said("The address is not quite right", "Something in it cannot be understood. Start from the dashboard."),
}
_TITLES = {
    403: "That was refused",
    404: "Nothing here",
    409: "That does not fit any more",
    413: "Too much at once",
    503: "Not available right now",
}


def install(app: FastAPI) -> None:
    """Answer every failure of an app, NiceGUI's or ours, with a page."""
    for kind in KINDS:
        app.add_exception_handler(kind, error_page)


def error_page(request: Request, error: Exception) -> Response:
    """Return the page that says what went wrong, with the visitor's menu. Reads the database: call it on a thread."""
    try:
        viewer = viewer_of(request)
    except PortalError:  # the database cannot be read, which may be what went wrong
        viewer = None
    return draw_error(request, error, viewer)


def draw_error(request: Request, error: Exception, viewer: Viewer | None = None) -> Response:
    """Return the page that says what went wrong; logs what nobody expected."""
    if isinstance(error, NotSignedIn):
        return RedirectResponse(sign_in_path(request), 303)
    status, said = _explain(request, error)
    menu = menu_of(viewer) if viewer else ([], [])
    response = html_page(request, "error.html", status, said=said, may_try_again=status >= 500, menu=menu)
    if isinstance(error, HTTPException):
        response.headers.update(error.headers or {})
    if isinstance(error, PortalError) and error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def tell_in_page(error: Exception) -> None:
    """Tell the visitor of an open page why nothing came of a click; logs what nobody expected."""
    if isinstance(error, TimeoutError):  # NiceGUI asked the browser something, and the phone is slow or asleep
        log.warning("a browser did not answer in time")
        return
    sentence = error.detail if isinstance(error, PortalError) else f"{_BROKEN.title} ({_log(error)})."
    if not Slot.get_stack():
        return  # nobody clicked: something of the server's own
    with suppress(RuntimeError):  # the page was closed meanwhile
        if isinstance(error, NotSignedIn):
            ui.navigate.to(SIGN_IN)
        else:
            ui.notify(sentence, type="negative", close_button="Close", timeout=10_000)


class LoggedElsewhere(logging.Filter):
    """Drops exceptions that NiceGUI logs by themselves: `tell_in_page` logs each under a number, or not at all."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a record is kept."""
        return not isinstance(record.msg, Exception)


def _explain(request: Request, error: Exception) -> tuple[int, Said]:
    """Return the status of an answer and its words."""
    match error:
        case PortalError():
            return error.status, Said(_TITLES.get(error.status, "That did not work"), error.detail)
        case RequestValidationError():
            return 422, _SENTENCES[422]
        case HTTPException():
            phrase = HTTPStatus(error.status_code).phrase
            return error.status_code, _SENTENCES.get(error.status_code, Said(phrase, "Start from the dashboard."))
        case ClientDisconnect():
            return 400, Said("Broken off", "The browser did not send all of it.")
    if not hasattr(request.state, "failed_as"):  # both apps ask, one inside the other
        where = f" {request.method} {quote(request.scope['path'])}"
        request.state.failed_as = _log(error, where, getattr(request.state, "request_id", None))
    return 500, Said(_BROKEN.title, _BROKEN.sentence, request.state.failed_as)


def _log(error: Exception, where: str = "", number: str | None = None) -> str:
    """Log a bug with its traceback; return the number under which it stands in the log."""
    number = number or f"req-{secrets.token_hex(4)}"
    log.error("%s%s", number, where, exc_info=error)
    return number
