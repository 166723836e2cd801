"""What people are answered when a page cannot be shown: a sentence, a way on, and of a bug no more than its number.

Decision: these answers are plain HTML even where NiceGUI failed. Its own error page shows the name and text of the
exception; and a page whose building raised has no need of a websocket. So nothing is set with `on_page_exception`:
NiceGUI then raises what the page raised, and the handlers below answer it like any other failure.
"""

import logging
import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
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
from portal.rules.messages import Message, message
from portal.views.accounts import Viewer
from portal.web.visitors import viewer_of
from portal.words import _, say

log = logging.getLogger(__name__)

KINDS: tuple[type[Exception], ...] = (PortalError, RequestValidationError, HTTPException, Exception)


@dataclass(frozen=True, slots=True)
class Notice:
    """The words of an error page; `code` is the number that the visitor may pass on to the administrator."""

    title: Message
    sentence: Message
    code: str | None = None


_FAILED = message("That did not work")
_START = message("Start from the dashboard.")
_TOO_MUCH = message("Too much at once")
_BROKEN = Notice(
    message("Something went wrong on our side"),
    message("Your data is safe. Try again; if it keeps happening, give your administrator the number below."),
)
_NOTICES = {
    404: Notice(
        message("Page not found"),
        message("There is no page at this address. It may have moved, or the link is incomplete."),
    ),
    405: Notice(
        message("Nothing to show here"),
        message("This address only takes what a form sends. Start from the dashboard."),
    ),
    413: Notice(_TOO_MUCH, message("What was sent is larger than the portal takes.")),
    422: Notice(
        message("The address is not quite right"),
        message("Something in it cannot be understood. Start from the dashboard."),
    ),
}
_TITLES = {
    403: message("That was refused"),
    404: message("Nothing here"),
    409: message("That does not fit any more"),
    413: _TOO_MUCH,
    503: message("Not available right now"),
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
    status, notice = _explain(request, error)
    menu = menu_of(viewer) if viewer else ([], [])
    response = html_page(request, "error.html", status, notice=notice, may_try_again=status >= 500, menu=menu)
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
    sentence = error.sentence if isinstance(error, PortalError) else _broken(_log(error))
    if not Slot.get_stack():
        return  # nobody clicked: something of the server's own
    with suppress(RuntimeError):  # the page was closed meanwhile
        if isinstance(error, NotSignedIn):
            ui.navigate.to(SIGN_IN)
        else:
            ui.notify(say(sentence), type="negative", close_button=_("Close"), timeout=10_000)


class LoggedElsewhere(logging.Filter):
    """Drops exceptions that NiceGUI logs by themselves: `tell_in_page` logs each under a number, or not at all."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a record is kept."""
        return not isinstance(record.msg, Exception)


def _explain(request: Request, error: Exception) -> tuple[int, Notice]:
    """Return the status of an answer and its words."""
    match error:
        case PortalError():
            return error.status, Notice(_TITLES.get(error.status, _FAILED), error.sentence)
        case RequestValidationError():
            return 422, _NOTICES[422]
        case HTTPException():
            return error.status_code, _NOTICES.get(error.status_code, Notice(_FAILED, _START))
        case ClientDisconnect():
            return 400, Notice(message("Broken off"), message("The browser did not send all of it."))
    if not hasattr(request.state, "failed_as"):  # both apps ask, one inside the other
        where = f" {request.method} {quote(request.scope['path'])}"
        request.state.failed_as = _log(error, where, getattr(request.state, "request_id", None))
    return 500, replace(_BROKEN, code=request.state.failed_as)


def _broken(number: str) -> Message:
    return message("Something went wrong on our side ({number}).", number=number)


def _log(error: Exception, where: str = "", number: str | None = None) -> str:
    """Log a bug with its traceback; return the number under which it stands in the log."""
    number = number or f"req-{secrets.token_hex(4)}"
    log.error("%s%s", number, where, exc_info=error)
    return number
