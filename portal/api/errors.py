"""Error answers of JSON paths: `{"error": "<code>", "detail": "<sentence>"}`.

Decision: only paths of programs (`wants_json`) answer so; pages have error pages. An answer never repeats data of the
request. An unexpected failure is logged with a number, and the answer has this number only.
"""

import inspect
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from portal.errors import InvalidInput, NotFound, PortalError, TooLarge, UnknownToken
from portal.rules.validation import first_problem
from portal.settings import settings

log = logging.getLogger(__name__)

JSON_TREES = ("/api/", "/user/api/", "/admin/api/")
JSON_PATHS = ("/api", "/user/api", "/admin/api", "/user/alerts", "/healthz", "/readyz")


class ErrorAnswer(BaseModel):
    """The answer to every request that fails."""

    error: str = Field(description="A code for programs", examples=["not_found"])
    detail: str = Field(description="A sentence for people", examples=["There is nothing here."])


_MEANINGS = {
    400: "The request cannot be understood, or the portal does not answer under the host's name",
    401: "There is no session or valid token, or it has ended",
    403: "The caller may not do this, or the request came from another site",
    404: "There is no such thing, or it belongs to somebody else",
    409: "The name is in use, or there are too many",
    413: "The body, or the batch in it, is too large",
    415: "The body has a media type or compression that is not accepted here",
    422: "A value is missing, malformed, out of bounds or unknown; nothing was changed",
    500: "Something went wrong in the portal; the sentence names the number under which it was logged",
    503: "The database is busy or stopped; nothing was changed. Try again after `Retry-After` seconds",
}


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of the errors of a route: `statuses`, and those that every route has."""
    every = sorted({400, 413, 422, 500, 503, *statuses})
    return {status: {"model": ErrorAnswer, "description": _MEANINGS[status]} for status in every}


def wants_json(path: str) -> bool:
    """Return whether a path is for programs, so that its answer is never HTML or a redirect to a form."""
    return path.startswith(JSON_TREES) or path in JSON_PATHS


def install(app: FastAPI) -> None:
    """Answer every failure of a JSON path as JSON; leave other paths to the present handlers of the app."""
    kinds: list[int | type[Exception]] = [PortalError, RequestValidationError, HTTPException, Exception]
    for kind in kinds + [kind for kind in app.exception_handlers if isinstance(kind, int)]:
        app.add_exception_handler(kind, _handler(app.exception_handlers.get(kind)))


def error_answer(request: Request, failure: Exception) -> JSONResponse:
    """Return the answer to a failed request."""
    match failure:
        case PortalError():
            return _answer(failure.status, failure.code, failure.detail, _headers(failure))
        case RequestValidationError():
            return error_answer(request, InvalidInput(*first_problem(failure.errors())))
        case HTTPException():
            return _routing_answer(failure)
        case ClientDisconnect():
            return error_answer(request, PortalError("The request has not arrived completely."))
    number = getattr(request.state, "request_id", None) or f"req-{secrets.token_hex(4)}"
    log.error("%s %s %s", number, request.method, quote(request.url.path), exc_info=failure)
    to_do = (
        "The log has the reason beside this number" if settings().is_desktop else "Tell the administrator this number"
    )
    return _answer(500, "internal_error", f"Something went wrong here. {to_do}: {number}.")


def _routing_answer(failure: HTTPException) -> JSONResponse:
    """Return the answer to an HTTP error of the framework, mostly 404 and 405."""
    headers = dict(failure.headers or {})
    known: dict[int, type[PortalError]] = {404: NotFound, 413: TooLarge}
    if failure.status_code in known:
        known_error = known[failure.status_code]
        return _answer(known_error.status, known_error.code, str(known_error.sentence), headers)
    if failure.status_code == 405:
        return _answer(
            405, "method_not_allowed", f"This address takes {headers.get('Allow', 'other methods')}.", headers
        )
    phrase = HTTPStatus(failure.status_code).phrase
    return _answer(failure.status_code, phrase.lower().replace(" ", "_"), f"{phrase}.", headers)


def _headers(failure: PortalError) -> dict[str, str]:
    headers = {}
    if failure.retry_after is not None:
        headers["Retry-After"] = str(failure.retry_after)
    if isinstance(failure, UnknownToken):
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def _answer(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(ErrorAnswer(error=code, detail=detail).model_dump(), status, headers)


_Handler = Callable[[Request, Any], Response | Awaitable[Response]]


def _handler(before: _Handler | None) -> _Handler:
    """Return a handler that answers JSON paths and passes other paths to `before`."""

    async def handle(request: Request, failure: Exception) -> Response:
        if wants_json(request.url.path):
            return error_answer(request, failure)
        if before is not None:
            answer = before(request, failure)
            return await answer if inspect.isawaitable(answer) else answer
        plain = error_answer(request, failure)
        return PlainTextResponse(f"HTTP {plain.status_code}", plain.status_code)

    return handle
