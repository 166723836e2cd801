"""The outermost middleware: check host, origin and size of each request, and add security headers to each answer.

Decision: plain ASGI around everything, websockets too, since a middleware of one app would not see the other app and
NiceGUI's own socket, which accepts every origin. The Content-Security-Policy of an answer depends on its kind: only
NiceGUI's pages need `unsafe-eval`, since Vue compiles its templates at run time.
"""

import logging
import re
import secrets
from collections.abc import Callable
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.errors import ForeignOrigin, PortalError, Unavailable
from portal.rules.messages import message
from portal.settings import Settings
from portal.web.bodies import SOCKET, largest_body, too_large
from portal.web.origins import Origins
from portal.web.visitors import session_token

log = logging.getLogger(__name__)

Answer = Callable[[Request, Exception], Response]
"""Returns the answer to an error: JSON or a page, by the path."""

YEAR = 31_536_000
PROBES = {"/healthz", "/readyz"}
"""Paths that answer under any host name, since probes know only an IP address; they reveal no data."""

_SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}
_NOT_BELIEVED = {b"x-forwarded-prefix"}
"""Headers that are removed: NiceGUI would add this one to the addresses of redirects and scripts."""
_SCRIPT = re.compile(rb'<script(?=[\s>])|<link rel="modulepreload"')

_PAGE_POLICY = (
    "default-src 'self'; script-src 'nonce-{nonce}' 'strict-dynamic' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
_FORM_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SECURE_HEADERS = {
    "Strict-Transport-Security": f"max-age={YEAR}",
    "Cross-Origin-Opener-Policy": "same-origin",  # browsers apply it under HTTPS only, and warn otherwise
}
_PRIVATE = ("/user", "/admin", "/api")
_OPENED_WITH_A_SECRET = {"/user/setup", "/user/reset-password"}
_WITHOUT_PATH = "strict-origin"
"""For pages with a secret in their address, so that no referrer contains it; a proxy may log referrers.

With `no-referrer`, browsers would send the form with `Origin: null`, and the portal would refuse it.
"""


class UnknownHost(PortalError):
    """The request has a host name that is not the portal's, for instance after DNS rebinding."""

    code = "unknown_host"
    sentence = message("The portal does not answer under this name. An operator can add it to PORTAL_ALLOWED_HOSTS.")


class Guard:
    """Refuses requests by host, origin and size, and adds security headers to answers."""

    def __init__(self, app: ASGIApp, settings: Settings, answer: Answer) -> None:
        """Wrap `app`; `answer` makes the answers to errors."""
        self.app = app
        self._answer = answer
        self._origins = Origins(settings)
        self._headers = _HEADERS | (_SECURE_HEADERS if settings.secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request or a websocket on to the app, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        believed = [header for header in scope["headers"] if header[0].lower() not in _NOT_BELIEVED]
        state = {**scope.get("state", {}), "request_id": f"req-{secrets.token_hex(4)}", "nonce": secrets.token_hex(16)}
        scope = {**scope, "headers": believed, "state": state}
        refusal = self._refusal(scope)
        if scope["type"] == "http":
            await _Exchange(self, scope, receive, send).run(refusal)
        elif refusal is not None:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self.app(scope, receive, send)

    def answer(self, scope: Scope, error: Exception) -> Response:
        """Return the answer to a request that was refused or has failed."""
        return self._answer(Request(scope), error)

    def add_headers(self, scope: Scope, message: Message) -> None:
        """Add the security headers to the first message of an answer."""
        headers = MutableHeaders(scope=message)
        headers.update(self._headers)
        headers["X-Request-ID"] = scope["state"]["request_id"]
        headers["Content-Security-Policy"] = _policy(headers).format(nonce=scope["state"]["nonce"])
        if _is_private(scope["path"]):
            headers["Cache-Control"] = "no-store"
        if scope["path"] in _OPENED_WITH_A_SECRET:
            headers["Referrer-Policy"] = _WITHOUT_PATH

    def _refusal(self, scope: Scope) -> PortalError | None:
        headers = Headers(scope=scope)
        host = self._origins.host(headers)
        if host is None:
            return None if scope["path"] in PROBES else UnknownHost()
        if _must_be_own(scope, headers) and self._origins.is_foreign(headers, host, scope["type"]):
            return ForeignOrigin()
        length, most = headers.get("content-length", "0"), largest_body(scope["path"])
        return too_large(most) if not length.isdecimal() or int(length[:20]) > most else None


class _Exchange:
    """One request and its answer."""

    def __init__(self, guard: Guard, scope: Scope, receive: Receive, send: Send) -> None:
        self._guard = guard
        self._scope = scope
        self._receive = receive
        self._send = send
        self._received = 0
        self._most = largest_body(scope["path"])
        self._status = 0
        self._has_ended = False

    async def run(self, refusal: PortalError | None) -> None:
        """Send the answer of the app; answer here if the request is refused, fails, or is too large."""
        if refusal is not None:
            await self._refuse(refusal)
            return
        try:
            await self._guard.app(self._scope, self._count, self._pass_on)
        except Exception as error:
            if not self._status:
                await self._refuse(too_large(self._most) if self._is_too_large else error)
                return
            if self._status != 500:  # a 500 is logged when it is answered
                log.exception("%s after its answer: %s", self._scope["state"]["request_id"], quote(self._scope["path"]))
            if not self._has_ended:
                raise  # the server closes the connection, so that the client sees that the answer is incomplete

    @property
    def _is_too_large(self) -> bool:
        return self._received > self._most

    async def _count(self) -> Message:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._is_too_large:
            raise HTTPException(413)  # FastAPI passes this exception on while it reads a body
        return message

    async def _pass_on(self, message: Message) -> None:
        if self._has_ended:
            return
        if self._is_too_large and not self._status:
            await self._refuse(too_large(self._most))
            return
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._guard.add_headers(self._scope, message)
        await self._send(message)
        self._has_ended = message["type"] == "http.response.body" and not message.get("more_body", False)

    async def _refuse(self, error: Exception) -> None:
        response = self._guard.answer(self._scope, error)
        response.headers["Connection"] = "close"  # the rest of the request is not read
        self._received = 0
        await response(self._scope, self._receive, self._pass_on)


class Pages:
    """Adds the nonce to the scripts of NiceGUI's pages, and replaces NiceGUI's error pages, which reveal too much."""

    def __init__(self, app: ASGIApp, answer: Answer) -> None:
        """Wrap `app`; the compression of answers must be outside."""
        self.app = app
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; pages are collected first."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start: Message | None = None
        body = bytearray()

        async def collect(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and "x-nicegui-content" in Headers(raw=message["headers"]):
                start = message
            elif start is None:
                await send(message)
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    await self._finish(scope, receive, send, start, bytes(body))

        await self.app(scope, receive, collect)

    async def _finish(self, scope: Scope, receive: Receive, send: Send, start: Message, body: bytes) -> None:
        if start["status"] >= 500:
            await self._answer(Request(scope), Unavailable())(scope, receive, send)
            return
        page = add_nonce(body, scope["state"]["nonce"])
        MutableHeaders(scope=start)["Content-Length"] = str(len(page))
        await send(start)
        await send({"type": "http.response.body", "body": page})


def add_nonce(page: bytes, nonce: str) -> bytes:
    """Return a page with the nonce in its scripts; texts of people have `<` escaped, so they contain no scripts."""
    return _SCRIPT.sub(rb'\g<0> nonce="' + nonce.encode() + b'"', page)


def _must_be_own(scope: Scope, headers: Headers) -> bool:
    """Return whether only the portal's own pages may send this: page sockets, and writes with the session cookie.

    Another site cannot make a browser send a token. A request with a token and a cookie is checked too, since the route
    may use the cookie.
    """
    if scope["type"] == "websocket" or scope["path"].startswith(SOCKET):
        return True
    has_cookie = session_token(HTTPConnection(scope)) is not None
    return scope["method"] not in _SAFE_METHODS and (has_cookie or "authorization" not in headers)


def _is_private(path: str) -> bool:
    return path.startswith(tuple(f"{tree}/" for tree in _PRIVATE)) or path in _PRIVATE


def _policy(headers: Headers) -> str:
    if not headers.get("content-type", "").startswith("text/html"):
        return _DATA_POLICY
    return _PAGE_POLICY if "x-nicegui-content" in headers else _FORM_POLICY
