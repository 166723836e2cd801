"""Open pages and the sessions behind them: who may drive a page, and the end of those whose session has ended.

NiceGUI matches what arrives on its socket by the page's id (its *client*) alone. Here it is matched by the browser's
session as well: a socket may drive a page only if it carries the cookie that the page was asked for with, and from then
on it speaks for that page alone. Decision: NiceGUI's own handlers are registered again on its socket.io server, each
behind that check; they stay unchanged, and so does what the tests of pages call directly.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from inspect import isawaitable
from typing import Any
from urllib.parse import parse_qs

from nicegui import Client, core
from socketio.exceptions import ConnectionRefusedError as Refused  # type: ignore[import-untyped]  # it has no types
from starlette.requests import HTTPConnection

from portal.clock import utc_now
from portal.db.sql.session import in_reading
from portal.errors import Unavailable
from portal.views.accounts import Viewer, still_running
from portal.web.visitors import session_token

log = logging.getLogger(__name__)

_TO_SIGN_IN = """
    window.portalLeaves = true;
    location.assign("/user/login?next=" + encodeURIComponent(location.pathname + location.search));
"""
_LONGEST_LOG = 500

_Handler = Callable[..., Any]

_open: dict[int, set[Client]] = {}
"""The open pages of each session, by its id."""
_session_of: dict[str, int] = {}
"""The session of each open page, by the page's id."""
_driven: dict[str, str] = {}
"""The page that each socket drives: socket id to client id."""
_turns: dict[str, asyncio.Lock] = {}
"""Lets the messages of each socket be handled one after another, though each may wait for the database."""
_nicegui: dict[str, _Handler] = dict(core.sio.handlers["/"])
"""NiceGUI's own handlers of what arrives on its socket."""


def remember(client: Client, viewer: Viewer) -> None:
    """Note that a page was opened in a session, so that it is closed when the session ends."""
    session_id = viewer.session_id
    if session_id is None:
        return
    _open.setdefault(session_id, set()).add(client)
    _session_of[client.id] = session_id
    client.on_delete(lambda: _forget(session_id, client))


def discard(mark: object) -> None:
    """Delete the page that a request made whose state has this mark; nobody will connect to it."""
    for client in list(Client.instances.values()):
        if mark in client.request.scope.get("state", {}).values():
            client.delete()


async def close_clients(*session_ids: int) -> None:
    """Send the open pages of sessions that have ended to the sign-in form, and take their handlers away at once."""
    for session_id in session_ids:
        for client in _open.pop(session_id, set()):
            if not client.is_deleted:
                await core.sio.emit("run_javascript", {"code": _TO_SIGN_IN}, room=client.id)
                with suppress(KeyError):  # deleted meanwhile
                    client.delete()


async def recheck() -> None:
    """Close the pages of sessions that have ended or whose account was suspended, here or on another server."""
    if not _open:
        return
    asked = set(_open)
    try:
        running = await in_reading(still_running, asked, utc_now())
    except Unavailable:
        return  # nobody is signed out because the database rests; their actions are checked all the same
    await close_clients(*(asked - running))


def start() -> None:
    """Bind sockets to sessions; `recheck` belongs to every tick of the live figures."""
    _open.clear()
    _session_of.clear()
    _driven.clear()
    _turns.clear()
    core.sio.on("connect", _connect)
    core.sio.on("handshake", _handshake)
    core.sio.on("disconnect", _disconnect)
    core.sio.on("log", _log_from_browser)
    for event in ("event", "javascript_response", "ack"):
        core.sio.on(event, _for_its_own_page(_nicegui[event], acts=event == "event"))


def may_drive(connection: HTTPConnection, client_id: object) -> bool:
    """Say whether a websocket, or a request that stands for one, belongs to the browser that asked for a page."""
    client = Client.instances.get(client_id) if isinstance(client_id, str) else None
    return client is not None and _browser(connection) == _browser(client.request)


def _browser(connection: HTTPConnection) -> tuple[str, object]:
    """Return by what a browser is known again: its session cookie, or before signing in NiceGUI's own."""
    token = session_token(connection)
    return ("portal", token) if token else ("nicegui", connection.scope.get("session", {}).get("id"))


async def _connect(sid: str, environ: dict[str, Any], auth: object = None) -> None:
    query = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    if query.get("implicit_handshake") == "true":
        if not _is_handshake(query) or not may_drive(HTTPConnection(environ["asgi.scope"]), query["client_id"]):
            raise Refused("Implicit handshake failed")  # at these words NiceGUI's script loads the page anew
        _driven[sid] = query["client_id"]
    try:
        await _nicegui["connect"](sid, environ, auth)
    except Refused:
        _driven.pop(sid, None)
        raise


async def _handshake(sid: str, data: object) -> bool:
    async with _turns.setdefault(sid, asyncio.Lock()):
        return await _shake_hands(sid, data)


async def _shake_hands(sid: str, data: object) -> bool:
    if not isinstance(data, dict) or not _is_handshake(data):
        return False
    if not may_drive(HTTPConnection(core.sio.get_environ(sid)["asgi.scope"]), data["client_id"]):
        return False
    if not await _nicegui["handshake"](sid, data):
        return False
    _driven[sid] = data["client_id"]
    return True


def _disconnect(sid: str, *_: object) -> None:
    _driven.pop(sid, None)
    _turns.pop(sid, None)
    _nicegui["disconnect"](sid)


def _for_its_own_page(handler: _Handler, *, acts: bool) -> Callable[[str, object], Awaitable[None]]:
    """Return a handler that takes messages from the socket that drives the page, and drops all others.

    Those by which somebody `acts` are taken only while the page's session runs: one database look-up each.
    """

    async def handle(sid: str, message: object = None) -> None:
        if not isinstance(message, dict) or _driven.get(sid, "") != message.get("client_id"):
            return
        async with _turns.setdefault(sid, asyncio.Lock()):  # in the order of arrival: what was typed, then the click
            if acts and not await _may_still_act(message["client_id"]):
                return
            try:
                result = handler(sid, message)
                if isawaitable(result):
                    await result
            except (KeyError, TypeError, ValueError, AttributeError):
                log.warning("a malformed message from a browser was dropped")

    return handle


async def _may_still_act(client_id: str) -> bool:
    """Say whether the session of a page still runs; closes its pages when it has ended.

    While the database does not answer nobody is signed out, and no action can do anything either.
    """
    session_id = _session_of.get(client_id)
    if session_id is None:
        return True  # a page without a session, which can do nothing for anybody
    try:
        if await in_reading(still_running, {session_id}, utc_now()):
            return True
    except Unavailable:
        return True
    await close_clients(session_id)
    return False


async def _log_from_browser(sid: str, message: object = None) -> None:
    """Log what NiceGUI's script reports: one short line, whatever it was."""
    if isinstance(message, dict) and sid in _driven:
        text = str(message.get("message", ""))[:_LONGEST_LOG]
        log.info("a browser reports: %s", "".join(c if c.isprintable() else " " for c in text))


def _is_handshake(data: dict[str, Any]) -> bool:
    next_id = data.get("next_message_id")
    has_names = all(isinstance(data.get(name), str) for name in ("client_id", "tab_id", "document_id"))
    return has_names and (next_id is None or str(next_id).isdecimal())


def _forget(session_id: int, client: Client) -> None:
    _session_of.pop(client.id, None)
    clients = _open.get(session_id, set())
    clients.discard(client)
    if not clients:
        _open.pop(session_id, None)
