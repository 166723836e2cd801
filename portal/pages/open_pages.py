"""Open pages and their sessions: decides who may drive a page, and closes the pages of sessions that have ended.

NiceGUI finds the page of a socket message by the page's id (its *client*) alone. Here the browser's session must match
as well: a socket may drive a page only if it has the cookie with which the page was requested, and from then on it may
drive that page only. Decision: NiceGUI's own handlers are registered again on its socket.io server, each behind that
check. The handlers do not change, nor does what the tests of pages call directly.
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
from portal.settings import settings
from portal.views.people.accounts import SeenSession, Viewer, still_running
from portal.web.visitors import session_token

log = logging.getLogger(__name__)

_TO_SIGN_IN = """
    window.portalLeaves = true;
    location.assign("/user/login?next=" + encodeURIComponent(location.pathname + location.search));
"""
_AWAY = "window.portalLeaves = true; location.reload()"
"""The desktop program has no sign-in: the page is requested again, and the answer says what to do."""
_LONGEST_LOG = 500

_Handler = Callable[..., Any]

_open: dict[SeenSession, set[Client]] = {}
"""The open pages of each session, and of each person as whom its administrator saw the portal."""
_session_of: dict[str, SeenSession] = {}
"""The session of each open page, by the page's id."""
_driven: dict[str, str] = {}
"""The page that each socket drives: socket id to client id."""
_turns: dict[str, asyncio.Lock] = {}
"""A lock for each socket: its messages are handled one after another, also while one waits for the database."""
_nicegui: dict[str, _Handler] = dict(core.sio.handlers["/"])
"""NiceGUI's own handlers of socket messages."""


def remember(client: Client, viewer: Viewer) -> None:
    """Record the session in which a page was opened, so that the page is closed when the session ends."""
    seen = viewer.seen_session
    if seen is None:
        return
    _open.setdefault(seen, set()).add(client)
    _session_of[client.id] = seen
    client.on_delete(lambda: _forget(seen, client))


def discard(mark: object) -> None:
    """Delete the page of the request that has this mark in its state; no browser will connect to it."""
    for client in list(Client.instances.values()):
        if mark in client.request.scope.get("state", {}).values():
            client.delete()


async def close_pages(*seen: SeenSession, code: str = "") -> None:
    """Send the open pages of sessions that have ended to the sign-in form, and remove their handlers at once.

    If the session still runs, and only shows the portal as another person, the form leads back. The browsers run `code`
    in its place if it is given.
    """
    for each in seen:
        for client in _open.pop(each, set()):
            if not client.is_deleted:
                leaves = code or (_AWAY if settings().is_desktop else _TO_SIGN_IN)
                await core.sio.emit("run_javascript", {"code": leaves}, room=client.id)
                for document in list(client._delete_tasks):
                    client._cancel_delete_task(document)  # a page that was left: NiceGUI would delete it once more
                with suppress(KeyError):  # it was deleted during the await
                    client.delete()


async def recheck() -> None:
    """Close the pages of sessions that have ended and of suspended accounts, on this server or another one."""
    if not _open:
        return
    asked = set(_open)
    try:
        running = await in_reading(still_running, asked, utc_now())
    except Unavailable:
        return  # nobody is signed out while the database does not answer; each action is still checked
    await close_pages(*(asked - running))


def start() -> None:
    """Bind sockets to sessions. Every tick of the live figures calls `recheck` as well."""
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
    """Return whether a websocket, or the request that opens it, comes from the browser that requested a page."""
    client = Client.instances.get(client_id) if isinstance(client_id, str) else None
    return client is not None and _browser(connection) == _browser(client.request)


def _browser(connection: HTTPConnection) -> tuple[str, object]:
    """Return what identifies a browser: its session cookie, or NiceGUI's own cookie before the sign-in."""
    token = session_token(connection)
    return ("portal", token) if token else ("nicegui", connection.scope.get("session", {}).get("id"))


async def _connect(sid: str, environ: dict[str, Any], auth: object = None) -> None:
    query = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    if query.get("implicit_handshake") == "true":
        if not _is_handshake(query) or not may_drive(HTTPConnection(environ["asgi.scope"]), query["client_id"]):
            raise Refused("Implicit handshake failed")  # NiceGUI's script reloads the page when it reads this text
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

    With `acts` it takes a message only while the page's session runs, which is one database query per message.
    """

    async def handle(sid: str, message: object = None) -> None:
        if not isinstance(message, dict) or _driven.get(sid, "") != message.get("client_id"):
            return
        async with _turns.setdefault(sid, asyncio.Lock()):  # keeps the order: the typed text before the click
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
    """Return whether the session of a page still runs; close its pages if it has ended.

    While the database does not answer, nobody is signed out; actions fail then by themselves.
    """
    seen = _session_of.get(client_id)
    if seen is None:
        return True  # a page without a session changes no data of any account
    try:
        if await in_reading(still_running, {seen}, utc_now()):
            return True
    except Unavailable:
        return True
    await close_pages(seen)
    return False


async def _log_from_browser(sid: str, message: object = None) -> None:
    """Log a report of NiceGUI's script as one short line without control characters."""
    if isinstance(message, dict) and sid in _driven:
        text = str(message.get("message", ""))[:_LONGEST_LOG]
        log.info("a browser reports: %s", "".join(c if c.isprintable() else " " for c in text))


def _is_handshake(data: dict[str, Any]) -> bool:
    next_id = data.get("next_message_id")
    has_names = all(isinstance(data.get(name), str) for name in ("client_id", "tab_id", "document_id"))
    return has_names and (next_id is None or str(next_id).isdecimal())


def _forget(seen: SeenSession, client: Client) -> None:
    _session_of.pop(client.id, None)
    clients = _open.get(seen, set())
    clients.discard(client)
    if not clients:
        _open.pop(seen, None)
