"""Error pages: a sentence, a link to go on, and the number of a bug but none of its details.

Decision: error pages are plain HTML, also if NiceGUI failed. Its own error page shows the name and text of the
exception, and an error page needs no websocket. So `on_page_exception` is not used: NiceGUI then raises the exception
of the page, and the handlers below answer it like any other failure.
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
from portal.pages.components.parts import icon_name
from portal.pages.forms.rendering import html_page
from portal.pages.navigation import menu_of
from portal.rules.messages import Message, message
from portal.settings import settings
from portal.views.people.accounts import Viewer
from portal.web.visitors import viewer_of
from portal.words import _, say

log = logging.getLogger(__name__)

KINDS: tuple[type[Exception], ...] = (PortalError, RequestValidationError, HTTPException, Exception)


@dataclass(frozen=True, slots=True)
class ErrorText:
    """The texts of an error page; `code` is the number of a bug, which the visitor can give to the administrator."""

    title: Message
    sentence: Message
    code: str | None = None


_FAILED = message("That did not work")
_START = message("Start from the dashboard.")
_TOO_MUCH = message("Too much at once")
_BROKEN = ErrorText(
    message("Something went wrong on our side"),
    message("Your data is safe. Try again; if it keeps happening, give your administrator the number below."),
)
_BROKEN_DESKTOP = ErrorText(
    message("Something went wrong in the program"),
    message("Your data is safe. Try again; if it keeps happening, the log has the reason beside the number below."),
)
_EARLIER_RUN = ErrorText(
    message("This window is from an earlier start"),
    message("Close it, and open MoE Portal again."),
)
_NOTICES = {
    404: ErrorText(
        message("Page not found"),
        message("There is no page at this address. It may have moved, or the link is incomplete."),
    ),
    405: ErrorText(
        message("Nothing to show here"),
        message("This address only takes what a form sends. Start from the dashboard."),
    ),
    413: ErrorText(_TOO_MUCH, message("What was sent is larger than the portal takes.")),
    422: ErrorText(
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
    """Answer every failure of an app, NiceGUI's or ours, with an error page."""
    for kind in KINDS:
        app.add_exception_handler(kind, error_page)


def error_page(request: Request, error: Exception) -> Response:
    """Return the error page with the visitor's menu. It reads the database: call it on a thread."""
    try:
        viewer = viewer_of(request)
    except PortalError:  # the database cannot be read, which may be the error itself
        viewer = None
    return draw_error(request, error, viewer)


def draw_error(request: Request, error: Exception, viewer: Viewer | None = None) -> Response:
    """Return the error page; log an unexpected error."""
    if isinstance(error, NotSignedIn) and not settings().is_desktop:
        return RedirectResponse(sign_in_path(request), 303)
    status, notice = _explain(request, error)
    menu = menu_of(viewer) if viewer else ([], [])
    response = html_page(
        request,
        "error.html",
        status,
        notice=notice,
        may_try_again=status >= 500,
        may_go_on=not isinstance(error, NotSignedIn),
        menu=menu,
        exit_of=viewer.display_name if viewer and viewer.acting else "",
    )
    if isinstance(error, HTTPException):
        response.headers.update(error.headers or {})
    if isinstance(error, PortalError) and error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def tell_in_page(error: Exception) -> None:
    """Show the visitor of an open page why an action failed; log an unexpected error."""
    if isinstance(error, TimeoutError):  # NiceGUI waited for an answer of the browser, which is slow or suspended
        log.warning("a browser did not answer in time")
        return
    sentence = error.sentence if isinstance(error, PortalError) else _broken(_log(error))
    if not Slot.get_stack():
        return  # not an action of a visitor but a task of the server
    with suppress(RuntimeError):  # the page has been closed
        if isinstance(error, NotSignedIn):
            ui.navigate.reload() if settings().is_desktop else ui.navigate.to(SIGN_IN)
        else:
            _notify(say(sentence))


def _notify(sentence: str) -> None:
    """Show a message for ten seconds; Quasar's own colours would hide the button, so the stylesheet has them."""
    ui.notify(
        sentence,
        color="mp",
        textColor="mp",
        icon=icon_name("crit"),
        classes="mp-toast mp-toast--crit",
        actions=[{"label": _("Close"), "color": "mp", "noCaps": True}],
        timeout=10_000,
    )


class LoggedElsewhere(logging.Filter):
    """Drops the records of exceptions by NiceGUI: `tell_in_page` logs each with a number, or not at all."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is kept."""
        return not isinstance(record.msg, Exception)


def _explain(request: Request, error: Exception) -> tuple[int, ErrorText]:
    """Return the status of an answer and its texts."""
    match error:
        case NotSignedIn():
            return error.status, _EARLIER_RUN
        case PortalError():
            return error.status, ErrorText(_TITLES.get(error.status, _FAILED), error.sentence)
        case RequestValidationError():
            return 422, _NOTICES[422]
        case HTTPException():
            return error.status_code, _NOTICES.get(error.status_code, ErrorText(_FAILED, _START))
        case ClientDisconnect():
            return 400, ErrorText(message("Broken off"), message("The browser did not send all of it."))
    if not hasattr(request.state, "failed_as"):  # the outer app handles it after the inner one
        where = f" {request.method} {quote(request.scope['path'])}"
        request.state.failed_as = _log(error, where, getattr(request.state, "request_id", None))
    broken = _BROKEN_DESKTOP if settings().is_desktop else _BROKEN
    return 500, replace(broken, code=request.state.failed_as)


def _broken(number: str) -> Message:
    if settings().is_desktop:
        return message("Something went wrong in the program ({number}).", number=number)
    return message("Something went wrong on our side ({number}).", number=number)


def _log(error: Exception, where: str = "", number: str | None = None) -> str:
    """Log a bug with its traceback; return its number in the log."""
    number = number or f"req-{secrets.token_hex(4)}"
    log.error("%s%s", number, where, exc_info=error)
    return number
