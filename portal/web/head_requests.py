"""Answer HEAD like GET: with the same status and headers, and without a body.

Decision: the app gets a GET, and a disconnect as soon as its answer begins. So HEAD works for every route, and an
export ends after its first chunk. The state of a page is discarded at once, since no browser will connect.
"""

import asyncio
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.web.bodies import SOCKET

Discard = Callable[[object], None]
"""Discards the state of a page; called with the object that its request had in its scope's state under `MARK`."""

MARK = "head"


class HeadRequests:
    """Middleware around the whole server that answers HEAD like GET."""

    def __init__(self, app: ASGIApp, discard: Discard) -> None:
        """Wrap `app`; `discard` is called with the mark of a request after its answer."""
        self.app = app
        self._discard = discard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; HEAD becomes GET."""
        if scope["type"] != "http" or scope["path"].startswith(SOCKET):
            await self.app(scope, receive, send)
        elif scope["method"] != "HEAD":
            await self.app(scope, receive, _naming_head(send))
        else:
            mark = object()
            head = _Head(receive, _naming_head(send))
            try:
                await self.app(_as_get(scope, mark), head.receive, head.send)
            finally:
                self._discard(mark)


class _Head:
    """One HEAD request: the messages that the app receives, and the part of its answer that is sent."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._has_body = False
        self._answered = asyncio.Event()

    async def receive(self) -> Message:
        """Return the messages of the request; after the start of the answer, a disconnect."""
        if self._has_body:
            await self._answered.wait()
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._has_body = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Send the start of the answer and an empty body."""
        if self._answered.is_set():
            await asyncio.sleep(0)  # so that a stream that never waits receives the disconnect
            return
        if message["type"] == "http.response.body":
            self._answered.set()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)


def _as_get(scope: Scope, mark: object) -> Scope:
    asgi = {**scope.get("asgi", {}), "spec_version": "2.3"}  # with this version, a stream waits for a disconnect
    return {**scope, "method": "GET", "asgi": asgi, "state": {**scope.get("state", {}), MARK: mark}}


def _naming_head(send: Send) -> Send:
    """Return a `send` that adds HEAD to the `Allow` header of an answer if it has GET."""

    async def send_on(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 405:
            headers = MutableHeaders(scope=message)
            methods = {*filter(None, headers.get("allow", "").split(", "))}
            if "GET" in methods:
                headers["allow"] = ", ".join(sorted({*methods, "HEAD"}))
        await send(message)

    return send_on
