"""Forgotten passwords: a form that asks for a link by mail, and a form that sets a new password with the link.

Decisions: the answer to the first form is sent before accounts are looked up, so it is the same, in the same time, for
every address. Opening a link only reads its account, so a scanner that opens the links of a mail does not use it up.
An expired link says so at once, not after a password was typed. After that the form has the token, and the address bar
does not.
"""

import asyncio
from collections.abc import Mapping

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.actions.people.password_resets import (
    LinkEnded,
    count_ask,
    links_can_be_mailed,
    owner_of,
    queue_links,
    reset_password,
)
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import InvalidInput, TooManyTries
from portal.pages.addresses import SIGN_IN
from portal.pages.forms.rendering import PASSWORD_HINT, check_repeated, html_page, read_form, wait
from portal.pages.open_pages import recheck
from portal.rules.messages import Message, message
from portal.rules.outbox import LINK_LASTS
from portal.rules.text import MAX_EMAIL, MIN_PASSWORD, InvalidText, clean_email
from portal.web.visitors import browser_of

router = APIRouter(include_in_schema=False)

FORGOT = "/user/forgot-password"
RESET = "/user/reset-password"
LONGEST_TOKEN = 200
_MINUTES = int(LINK_LASTS.total_seconds()) // 60


@router.get(FORGOT)
async def show_forgot(request: Request) -> Response:
    """Show the form, or after it the next step; without mail, say who helps instead."""
    return _forgot(request, asked="asked" in request.query_params)


@router.post(FORGOT)
async def take_forgot(request: Request) -> Response:
    """Send links to the accounts of an email address; the answer is the same if there are none."""
    typed = (await read_form(request, "email"))["email"]
    if not links_can_be_mailed():
        return _forgot(request, 404)
    try:
        email, address = clean_email(typed), browser_of(request).address
        await in_transaction(count_ask, email, address, utc_now())
    except InvalidText as error:
        return _forgot(request, 422, email=typed, error=error.sentence)
    except TooManyTries as error:
        response = _forgot(request, error.status, email=typed, sentence=_wait(error))
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    after = BackgroundTask(queue_links, email, address, utc_now())
    return RedirectResponse(f"{FORGOT}?asked", 303, background=after)


@router.get(RESET)
async def show_reset(request: Request) -> Response:
    """Show the form to a visitor with a valid link."""
    token = request.query_params.get("token", "")[:LONGEST_TOKEN]
    try:
        username = await in_reading(owner_of, token, utc_now())
    except LinkEnded as ended:
        return _reset(request, ended.status, sentence=ended.sentence)
    return _reset(request, token=token, username=username)


@router.post(RESET)
async def take_reset(request: Request) -> Response:
    """Set another password, and redirect to the sign-in form; a complaint is shown beside its field."""
    form = await read_form(request, "token", "username", "password", "repeated")
    token = form["token"][:LONGEST_TOKEN]
    try:
        username = await in_reading(owner_of, token, utc_now())
        errors = await _set_password(token, form["password"], form["repeated"])
    except LinkEnded as ended:
        return _reset(request, ended.status, sentence=ended.sentence)
    if errors:
        return _reset(request, 422, token=token, username=username, errors=errors)
    return RedirectResponse(f"{SIGN_IN}?changed", 303, background=BackgroundTask(recheck))


async def _set_password(token: str, password: str, repeated: str) -> dict[str, Message]:
    """Set another password; return the complaint about a field. Raises LinkEnded."""
    try:
        check_repeated(repeated, password)
        await asyncio.to_thread(reset_password, token, password, utc_now())
    except InvalidText as error:
        return {"repeated": error.sentence}
    except InvalidInput as error:
        return {"password": error.sentence}
    return {}


def _wait(refused: TooManyTries) -> Message:
    return message("That was asked for several times. Try again in {wait}.", wait=wait(refused.retry_after or 0))


def _forgot(
    request: Request,
    status: int = 200,
    *,
    asked: bool = False,
    email: str = "",
    error: Message | str = "",
    sentence: Message | str = "",
) -> Response:
    return html_page(
        request,
        "forgot.html",
        status,
        is_possible=links_can_be_mailed(),
        asked=asked,
        email="".join(c for c in email if c.isprintable())[:MAX_EMAIL],
        error=error,
        sentence=sentence,
        minutes=_MINUTES,
    )


def _reset(
    request: Request,
    status: int = 200,
    *,
    token: str = "",
    username: str = "",
    errors: Mapping[str, Message] | None = None,
    sentence: Message | str = "",
) -> Response:
    return html_page(
        request,
        "reset.html",
        status,
        token=token,
        username=username,
        errors={"password": "", "repeated": "", **(errors or {})},
        sentence=sentence,
        hint=PASSWORD_HINT,
        min_password=MIN_PASSWORD,
    )
