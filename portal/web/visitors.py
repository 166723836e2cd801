"""Visitors: the account or gateway of a request, found by its session cookie or its bearer token.

Decision: pages and API use the same functions, so that both apply the same rules. With HTTPS the cookie is named
`__Host-portal`; browsers accept this name only with Secure, for this host and all paths.
"""

from datetime import datetime
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from portal.actions.people.sessions import TOUCHED_EVERY, Browser, keep_alive
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.errors import Forbidden, NotSignedIn, UnknownToken
from portal.rules.messages import message
from portal.rules.people.accounts import Role, preferred_language
from portal.settings import settings
from portal.views.people.accounts import Viewer, load_viewer

LONGEST_COOKIE = 200
COOKIE_LASTS = 400 * 86_400
"""Seconds: the most that browsers accept. The database has the end of a session, and extends it while it is used."""


def connected_pages() -> int:
    """Return the number of pages of this process that are open in a browser."""
    from nicegui import Client  # noqa: PLC0415  # commands import this module too, and need no pages

    return sum(client.has_socket_connection for client in Client.instances.values())


def cookie_name() -> str:
    """Return the name of the session cookie; browsers send cookies to all ports, so a desktop program adds its own."""
    if settings().is_desktop:
        return f"portal_session_{settings().port}"
    return "__Host-portal" if settings().secure else "portal_session"


def session_token(connection: HTTPConnection) -> str | None:
    """Return the session token that a browser sent; None without one or for an invalid text."""
    token = connection.cookies.get(cookie_name())
    return token if token and len(token) <= LONGEST_COOKIE and token.isascii() else None


def set_session_cookie(response: Response, token: str) -> None:
    """Set the session cookie: scripts cannot read it, and forms of other sites do not send it."""
    response.set_cookie(
        cookie_name(),
        token,
        max_age=COOKIE_LASTS,
        httponly=True,
        samesite="lax",
        secure=settings().secure,
        path="/",
    )


def clear_session_cookie(response: Response) -> None:
    """Delete the session cookie."""
    response.delete_cookie(cookie_name(), httponly=True, samesite="lax", secure=settings().secure, path="/")


def browser_of(connection: HTTPConnection) -> Browser:
    """Return the name and the address of the browser that signs in."""
    address = connection.client.host if connection.client else "unknown"
    return Browser(connection.headers.get("user-agent", "")[:200], address)


def viewer_of(connection: HTTPConnection) -> Viewer | None:
    """Return the account of the session of a request or websocket; call it on a thread, since it reads the database."""
    token = session_token(connection)
    if token is None:
        return None
    now = utc_now()
    viewer = run_in_reading(load_viewer, token, now)
    if viewer is not None:
        connection.state.language = viewer.language
    if viewer is not None and viewer.seen_at is not None:
        prolong(token, viewer.seen_at, now)
    return viewer


def language_of(connection: HTTPConnection) -> str:
    """Return the language of the answer: the account's, else the browser's preferred one."""
    chosen = getattr(connection.state, "language", None)
    return chosen or preferred_language(connection.headers.get("accept-language", ""))


def prolong(token: str, seen_at: datetime, now: datetime) -> None:
    """Extend a session at most every `TOUCHED_EVERY`; call it on a thread, since it writes to the database."""
    if now - seen_at >= TOUCHED_EVERY:
        run_in_transaction(keep_alive, token, now)


def signed_in(request: Request) -> Viewer:
    """Return the signed-in account of a request. Raises NotSignedIn."""
    viewer = viewer_of(request)
    if viewer is None:
        raise NotSignedIn
    return viewer


def administering(request: Request) -> Viewer:
    """Return the signed-in administrator of a request. Raises NotSignedIn and Forbidden."""
    viewer = signed_in(request)
    if viewer.role != Role.ADMIN:
        raise Forbidden(message("This page is for administrators."))
    return viewer


def managing(request: Request) -> Viewer:
    """Return the signed-in manager of a team. Raises NotSignedIn and Forbidden."""
    viewer = signed_in(request)
    if not viewer.manages:
        raise Forbidden(message("This page is for managers of a team."))
    return viewer


def sent_session(connection: HTTPConnection) -> str:
    """Return the session token that a browser sent, which may be unknown. Raises NotSignedIn."""
    token = session_token(connection)
    if token is None:
        raise NotSignedIn
    return token


def sent_bearer(request: Request) -> str:
    """Return the token that a program sent, which may be unknown. Raises UnknownToken.

    OpenTelemetry wants the space in OTEL_EXPORTER_OTLP_HEADERS as %20, and not every exporter decodes it.
    """
    scheme, _, token = request.headers.get("authorization", "").replace("%20", " ", 1).partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise UnknownToken
    return token.strip()


SignedIn = Annotated[Viewer, Depends(signed_in)]
Administrator = Annotated[Viewer, Depends(administering)]
TeamManager = Annotated[Viewer, Depends(managing)]
