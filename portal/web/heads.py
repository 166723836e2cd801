"""Answers HEAD wherever GET is answered: with the same status and headers, and no body.

Decision: inside, a HEAD is a GET; its visitor is gone as soon as the answer has begun. So no route can forget it, and
an export ends after its first piece. What a page needs to live on is thrown away at once, since nobody will connect.
"""

import asyncio
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.web.bodies import SOCKET

Discard = Callable[[object], None]
"""Throws away what a request has left, found again by the mark in its scope's state under `MARK`."""

MARK = "head"


class Heads:
    """Wraps the whole server, and has it answer HEAD as GET."""

    def __init__(self, app: ASGIApp, discard: Discard) -> None:
        """Wrap `app`; `discard` is called with the mark of a request once it is answered."""
        self.app = app
        self._discard = discard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, HEAD in the guise of GET."""
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
    """One HEAD: what the app hears from its visitor, and how much of its answer goes out."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._has_body = False
        self._answered = asyncio.Event()

    async def receive(self) -> Message:
        """Give the request, and then the end of the visitor, as soon as the answer has begun."""
        if self._has_body:
            await self._answered.wait()
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._has_body = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Send the beginning of the answer, and an empty body."""
        if self._answered.is_set():
            await asyncio.sleep(0)  # so that a stream that never waits hears of its visitor's end
            return
        if message["type"] == "http.response.body":
            self._answered.set()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)


def _as_get(scope: Scope, mark: object) -> Scope:
    asgi = {**scope.get("asgi", {}), "spec_version": "2.3"}  # with which a stream listens for its visitor's end
    return {**scope, "method": "GET", "asgi": asgi, "state": {**scope.get("state", {}), MARK: mark}}


def _naming_head(send: Send) -> Send:
    """Return a `send` that names HEAD beside GET where an answer says which methods an address takes."""

    async def send_on(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 405:
            headers = MutableHeaders(scope=message)
            methods = {*filter(None, headers.get("allow", "").split(", "))}
            if "GET" in methods:
                headers["allow"] = ", ".join(sorted({*methods, "HEAD"}))
        await send(message)

    return send_on
