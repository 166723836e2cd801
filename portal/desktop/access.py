"""The guard around the desktop program: only its own windows and the gateways of its person get answers.

Decision: a refusal has the same 403 for every reason, without a word about the portal, since other users of the machine
and other sites in the person's browsers can send requests too. The cookie of a window is the session cookie of the
local account: it ends with the program. It is SameSite=Strict, so the answer to a ticket is a page that goes on by
itself; a redirect would still belong to the navigation from the file, and browsers would not send the cookie with it.
"""

import secrets
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from portal.desktop.tickets import Tickets
from portal.web.visitors import cookie_name, session_token

OPEN = "/desktop/open"
"""The address that takes tickets."""
_PROBES = {"/healthz", "/readyz"}
_GATEWAY_ROUTES = "/api/v1/"
"""Below this, routes check the token of a gateway themselves."""
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_LONGEST_TICKET = 1000
_GOES_ON = """<!doctype html><html lang="en"><meta charset="utf-8"><title>MoE Portal</title>
<meta name="color-scheme" content="light dark"><script nonce="{nonce}">location.replace("/")</script></html>
"""


class Access:
    """Refuses every request that comes from neither a window of this run nor a gateway."""

    def __init__(self, app: ASGIApp, port: int, tickets: Tickets, token: str) -> None:
        """Wrap `app`; `token` is the session of the local account."""
        self.app = app
        self._host = f"127.0.0.1:{port}"
        self._tickets = tickets
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass; answer tickets; refuse everything else."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http" and self._takes_ticket(scope):
            await (await self._open(Request(scope, receive)))(scope, receive, send)
        elif self._may_pass(scope):
            await self.app(scope, receive, send)
        else:
            await _refuse(scope, receive, send)

    def _takes_ticket(self, scope: Scope) -> bool:
        return scope["path"] == OPEN and scope["method"] == "POST" and self._is_own_host(scope)

    async def _open(self, request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LONGEST_TICKET:
                return refusal()
        ticket = parse_qs(body.decode("latin-1")).get("ticket", [""])[0]
        if not self._tickets.redeem(ticket):
            return refusal()
        nonce = secrets.token_hex(16)
        policy = f"default-src 'none'; script-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors 'none'"
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        response = HTMLResponse(_GOES_ON.format(nonce=nonce), headers=headers)
        response.set_cookie(cookie_name(), self._token, httponly=True, samesite="strict", path="/")
        return response

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
        return sent is not None and secrets.compare_digest(sent, self._token)


def _is_from_gateway(scope: Scope) -> bool:
    is_post = scope["type"] == "http" and scope["method"] == "POST"
    return is_post and scope["path"].startswith(_GATEWAY_ROUTES) and "authorization" in Headers(scope=scope)


def refusal() -> Response:
    """Return the answer to everything that is refused."""
    return PlainTextResponse("Forbidden", 403, headers={"Cache-Control": "no-store", "Connection": "close"})


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await refusal()(scope, receive, send)
        return
    await receive()
    await send({"type": "websocket.close", "code": 1008})  # before it was accepted: the handshake is answered with 403
