"""The form of the first start: a visitor with the one-time link creates the first administrator."""

import asyncio
from collections.abc import Callable, Mapping

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from portal.actions.people.setup import set_up, setup_link_is_good, why_setup_link_ended
from portal.clock import utc_now
from portal.db.sql.session import in_reading
from portal.errors import Conflict, InvalidInput, NotFound
from portal.pages.addresses import FIRST_STEPS
from portal.pages.forms.login import signed_in_response
from portal.pages.forms.rendering import PASSWORD_HINT, check_repeated, html_page, read_form
from portal.rules.messages import Message
from portal.rules.text import (
    MAX_EMAIL,
    MAX_NAME,
    MIN_PASSWORD,
    InvalidText,
    check_password,
    clean_email,
    clean_new_username,
)

router = APIRouter(include_in_schema=False)

_FIELDS = ("username", "email", "password", "repeated")


@router.get("/user/setup")
async def show_setup(request: Request) -> Response:
    """Show the form to a visitor with the link."""
    await _check_link(request)
    return _form(request, dict.fromkeys(_FIELDS, ""), {})


@router.post("/user/setup")
async def take_setup(request: Request) -> Response:
    """Create the administrator, sign in and redirect to the first steps; show complaints beside their fields."""
    values = await read_form(request, *_FIELDS, "time_zone")
    await _check_link(request)
    errors = _errors(values)
    if errors:
        return _form(request, values, errors, 422)
    try:
        await asyncio.to_thread(
            set_up, _token(request), values["username"], values["email"], values["password"], utc_now()
        )
    except (InvalidInput, Conflict) as error:
        return _form(request, values, {error.field or "": error.sentence}, error.status)
    return await signed_in_response(request, values["username"], values["password"], FIRST_STEPS, values["time_zone"])


async def _check_link(request: Request) -> None:
    if not await in_reading(setup_link_is_good, _token(request)):
        raise NotFound(await in_reading(why_setup_link_ended))


def _errors(values: dict[str, str]) -> dict[str, Message]:
    """Return the complaints by field."""
    checks: dict[str, Callable[[str], object]] = {
        "username": clean_new_username,
        "email": clean_email,
        "password": lambda password: check_password(password, values["username"]),
        "repeated": lambda repeated: check_repeated(repeated, values["password"]),
    }
    errors: dict[str, Message] = {}
    for name, check in checks.items():
        try:
            check(values[name])
        except InvalidText as error:
            errors[name] = error.sentence
    return errors


def _form(request: Request, values: dict[str, str], errors: Mapping[str, Message], status: int = 200) -> Response:
    shown = {"username": values["username"][:MAX_NAME], "email": values["email"][:MAX_EMAIL]}
    return html_page(
        request,
        "setup.html",
        status,
        values=shown,
        errors={**dict.fromkeys(_FIELDS, ""), **errors},
        focus=next((name for name in _FIELDS if name in errors), "username"),
        sentence=errors.get("", ""),
        hint=PASSWORD_HINT,
        min_password=MIN_PASSWORD,
    )


def _token(request: Request) -> str:
    return request.query_params.get("token", "")[:200]
