"""Signing in and out: a plain HTML form, which password managers fill and which works without JavaScript."""

import asyncio
import json

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.actions.people.accounts import adopt_browser
from portal.actions.people.acting import stop_acting
from portal.actions.people.password_resets import links_can_be_mailed
from portal.actions.people.sessions import SignIn, sign_in, sign_out
from portal.clock import utc_now
from portal.db.sql.session import in_transaction
from portal.errors import PortalError, TooManyTries, WrongCredentials
from portal.pages.addresses import SIGN_IN, account_url, own_path
from portal.pages.components.shell.acting import EXIT
from portal.pages.forms.rendering import html_page, read_form, wait
from portal.pages.navigation import DASHBOARD
from portal.pages.open_pages import close_pages
from portal.rules.messages import Message, message
from portal.rules.people.accounts import preferred_language
from portal.rules.text import MAX_NAME
from portal.views.people.accounts import Viewer
from portal.web.visitors import browser_of, clear_session_cookie, session_token, set_session_cookie, viewer_of

router = APIRouter(include_in_schema=False)

LONGEST_ZONE = 64
"""Most characters of a time zone's name."""
_ASK = message("Try again, or ask your administrator for a new password.")
_FORGOT = message("Try again; if you have forgotten the password, you can set a new one.")


@router.get(SIGN_IN)
async def show_sign_in(request: Request) -> Response:
    """Show the form; redirect a visitor who is signed in already.

    Open pages lead here when an administrator begins to act as a person, for whom there are no pages of administration.
    """
    wanted = own_path(request.query_params.get("next", ""))
    viewer = await asyncio.to_thread(viewer_of, request)
    if viewer is not None and viewer.acting and (wanted or "").startswith("/admin/"):
        return RedirectResponse(DASHBOARD.path, 303)
    if viewer is not None:
        return RedirectResponse(wanted or DASHBOARD.path, 303)
    return _form(request, next=wanted, changed="changed" in request.query_params)


@router.post(SIGN_IN)
async def take_sign_in(request: Request) -> Response:
    """Sign in and redirect to the requested page; after a refusal show the form again with the reason."""
    form = await read_form(request, "username", "password", "next", "time_zone")
    username, wanted = form["username"], own_path(form["next"])
    if not username.strip() or not form["password"]:
        return _form(
            request, 422, sentence=message("Enter your username and your password."), username=username, next=wanted
        )
    try:
        return await signed_in_response(request, username, form["password"], wanted, form["time_zone"])
    except PortalError as refused:
        return _refused(request, refused, username, wanted)


@router.post("/user/logout")
async def take_sign_out(request: Request) -> Response:
    """End the session, and close its open pages."""
    token, viewer = session_token(request), None
    if token is not None:
        viewer = await asyncio.to_thread(viewer_of, request)
        await in_transaction(sign_out, token)
    response = RedirectResponse(SIGN_IN, 303, background=_closing(viewer))
    clear_session_cookie(response)
    return response


@router.post(EXIT)
async def take_exit(request: Request) -> Response:
    """End seeing the portal as another person, and lead back to the account."""
    token, viewer = session_token(request), await asyncio.to_thread(viewer_of, request)
    person = await in_transaction(stop_acting, token, utc_now()) if token is not None else None
    if person is None:
        return RedirectResponse(DASHBOARD.path, 303)
    leads_back = f"window.portalLeaves = true; location.assign({json.dumps(account_url(person))})"
    return RedirectResponse(account_url(person), 303, background=_closing(viewer, leads_back))


async def signed_in_response(
    request: Request, username: str, password: str, wanted: str | None, time_zone: str
) -> Response:
    """Sign in and return the redirect with the new cookie; an earlier session of the browser ends with its pages.

    At a first sign-in the account gets the language and the time zone of the browser.
    Raises WrongCredentials and TooManyTries.
    """
    before = await asyncio.to_thread(viewer_of, request)
    opened: SignIn = await asyncio.to_thread(
        sign_in, username, password, browser_of(request), session_token(request), utc_now()
    )
    language = preferred_language(request.headers.get("accept-language", ""))
    await in_transaction(adopt_browser, opened.account_id, language, time_zone[:LONGEST_ZONE])
    response = RedirectResponse(wanted or DASHBOARD.path, 303, background=_closing(before))
    set_session_cookie(response, opened.token)
    return response


def _closing(viewer: Viewer | None, code: str = "") -> BackgroundTask | None:
    """Return a task that closes the pages of a session that has ended, after the answer was sent.

    Their browsers run `code`, or go to the sign-in form without one. Closed earlier, the pages would request the form
    while the browser still has the old cookie.
    """
    if viewer is None or viewer.seen_session is None:
        return None
    return BackgroundTask(close_pages, viewer.seen_session, code=code)


def _form(
    request: Request,
    status: int = 200,
    *,
    sentence: Message | str = "",
    username: str = "",
    next: str | None = None,  # noqa: A002  # the name of the field
    is_bad: bool = False,
    changed: bool = False,
) -> Response:
    name = "".join(c for c in username if c.isprintable())[:MAX_NAME]
    return html_page(
        request,
        "login.html",
        status,
        sentence=sentence,
        username=name,
        next=next or "",
        is_bad=is_bad,
        changed=changed,
    )


def _refused(request: Request, refused: PortalError, username: str, wanted: str | None) -> Response:
    sentence = refused.sentence
    if isinstance(refused, WrongCredentials):
        sentence = message("{problem} {advice}", problem=sentence, advice=_FORGOT if links_can_be_mailed() else _ASK)
    if isinstance(refused, TooManyTries) and refused.retry_after is not None:
        sentence = message("Too many tries. Try again in {wait}.", wait=wait(refused.retry_after))
    response = _form(
        request,
        refused.status,
        sentence=sentence,
        username=username,
        next=wanted,
        is_bad=isinstance(refused, WrongCredentials),
    )
    if refused.retry_after is not None:
        response.headers["Retry-After"] = str(refused.retry_after)
    return response
