"""The guard around the desktop program: only its own windows and the gateways of its person get answers.

Decision: a refusal has the same 403 for every reason, without a word about the portal, since other users of the machine
and other sites in the person's browsers can send requests too. The cookie of a window is the session cookie of the
local account: it ends with the program. It is SameSite=Strict, so the answer to a ticket is a page that goes on by
itself; a redirect would still belong to the navigation from the file, and browsers would not send the cookie with it.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.api.gateways import otlp, usage_continue, usage_ingest, usage_openai
from portal.desktop.instance import WISHES, Wish, read_wish
from portal.desktop.presence import Presence
from portal.desktop.start_page import OPEN
from portal.desktop.tickets import Tickets
from portal.web.visitors import cookie_name, session_token

log = logging.getLogger(__name__)

_PROBES = {"/healthz", "/readyz"}
_INGESTING = (usage_ingest, usage_openai, usage_continue, otlp)
INGEST_ROUTES = frozenset(route.path for part in _INGESTING for route in part.router.routes if isinstance(route, Route))
"""The paths that take usage. Their routes check the token of a gateway themselves; it reaches nothing else."""
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_LARGEST_BODY = 4000
"""Bytes of a ticket or a wish."""
_GOES_ON = """<!doctype html><html lang="en"><meta charset="utf-8"><title>MoE Portal</title>
<meta name="color-scheme" content="light dark"><script nonce="{nonce}">location.replace("/")</script></html>
"""


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of a run: its tickets, the session of the local account, and the secret of second starts."""

    tickets: Tickets
    session: str
    instance: str


@dataclass(frozen=True, slots=True)
class Happenings:
    """Functions that are called: a ticket was used, no page is open any more, a second start wishes a window."""

    used: Callable[[], None]
    gone: Callable[[], None]
    wished: Callable[[Wish], dict[str, Any]]


class Access:
    """Refuses every request that comes from neither a window of this run nor a gateway."""

    def __init__(self, app: ASGIApp, port: int, own: Secrets, happenings: Happenings) -> None:
        """Wrap `app`, which is reached at `port` of 127.0.0.1."""
        self.app = app
        self.startup_failure = ""
        """The sentence of a server that could not start; empty before that."""
        self._host = f"127.0.0.1:{port}"
        self._own = own
        self._happenings = happenings
        self._presence = Presence(happenings.gone)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass; answer tickets and wishes; refuse everything else."""
        if scope["type"] == "lifespan":
            await self._start(scope, receive, send)
        elif self._is_for_shell(scope):
            request = Request(scope, receive)
            answer = self._open if scope["path"] == OPEN else self._wish
            await (await answer(request))(scope, receive, send)
        elif not self._may_pass(scope):
            await _refuse(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._serve_page(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _start(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def listen(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                self.startup_failure = message.get("message", "")
            await send(message)

        await self.app(scope, receive, listen)

    async def _serve_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._presence.opened()
        try:
            await self.app(scope, receive, send)
        finally:
            self._presence.closed()

    def _is_for_shell(self, scope: Scope) -> bool:
        is_post = scope["type"] == "http" and scope["method"] == "POST"
        return is_post and scope["path"] in {OPEN, WISHES} and self._is_own_host(scope)

    async def _open(self, request: Request) -> Response:
        """Give the window its cookie for a ticket. Its page is a file, so the origin of the request is `null`."""
        if not {"null", f"http://{self._host}"}.issuperset(request.headers.getlist("origin")):
            return refusal()
        form = parse_qs((await _body(request)).decode("latin-1"))
        if not self._own.tickets.redeem(form.get("ticket", [""])[0]):
            return refusal()
        await asyncio.to_thread(self._happenings.used)
        nonce = secrets.token_hex(16)
        policy = f"default-src 'none'; script-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors 'none'"
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        response = HTMLResponse(_GOES_ON.format(nonce=nonce), headers=headers)
        response.set_cookie(cookie_name(), self._own.session, httponly=True, samesite="strict", path="/")
        return response

    async def _wish(self, request: Request) -> Response:
        """Do what a second start of the same user wishes; it has read the secret from the folder."""
        sent = request.headers.get("authorization", "").encode()
        if not secrets.compare_digest(sent, f"Bearer {self._own.instance}".encode()):
            return refusal()
        try:
            wish = read_wish(await _body(request))
        except ValueError:
            return refusal()
        return JSONResponse(await asyncio.to_thread(self._happenings.wished, wish))

    def _may_pass(self, scope: Scope) -> bool:
        if not self._is_own_host(scope):
            return False
        if scope["path"] in _PROBES and scope["type"] == "http":
            return True
        return self._has_own_origin(scope) and (self._has_cookie(scope) or _is_from_gateway(scope))

    def _is_own_host(self, scope: Scope) -> bool:
        return Headers(scope=scope).getlist("host") == [self._host]

    def _has_own_origin(self, scope: Scope) -> bool:
        sent = Headers(scope=scope).getlist("origin")
        needs_origin = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
        if not sent and needs_origin:
            return _is_from_gateway(scope)  # programs send no origin
        return set(sent) <= {f"http://{self._host}"}

    def _has_cookie(self, scope: Scope) -> bool:
        sent = session_token(HTTPConnection(scope))
        return sent is not None and secrets.compare_digest(sent, self._own.session)


def _is_from_gateway(scope: Scope) -> bool:
    is_post = scope["type"] == "http" and scope["method"] == "POST"
    return is_post and scope["path"] in INGEST_ROUTES and "authorization" in Headers(scope=scope)


async def _body(request: Request) -> bytes:
    """Return the body of a small request; of a larger one, nothing."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY:
            return b""
    return body


def refusal() -> Response:
    """Return the answer to everything that is refused."""
    return PlainTextResponse("Forbidden", 403, headers={"Cache-Control": "no-store", "Connection": "close"})


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await refusal()(scope, receive, send)
        return
    await receive()
    await send({"type": "websocket.close", "code": 1008})  # before it was accepted: the handshake is answered with 403
