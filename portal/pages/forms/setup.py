"""The form of the first start: a visitor with the one-time link creates the first administrator."""

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from portal.actions.fields import clean_field, clean_zone
from portal.actions.people.setup import FirstFigures, may_choose_zone, set_up, setup_link_is_good, why_setup_link_ended
from portal.actions.spending.budgets import check_limits
from portal.actions.spending.prices import general_price
from portal.clock import utc_now
from portal.db.sql.session import in_reading
from portal.errors import Conflict, InvalidInput, NotFound
from portal.pages.addresses import FIRST_STEPS
from portal.pages.forms.login import LONGEST_ZONE, signed_in_response
from portal.pages.forms.rendering import PASSWORD_HINT, check_repeated, html_page, read_form
from portal.rules.messages import Message, message
from portal.rules.periods import zone_names
from portal.rules.spending.budgets import Limits
from portal.rules.text import (
    MAX_EMAIL,
    MAX_NAME,
    MIN_PASSWORD,
    InvalidText,
    check_password,
    clean_email,
    clean_new_username,
)
from portal.settings import settings
from portal.web.visitors import language_of
from portal.words.numbers import read_limit, read_price

router = APIRouter(include_in_schema=False)

_LONGEST_NUMBER = 40

_FIELDS = ("username", "email", "password", "repeated", "budget_timezone", "eur_per_token", "monthly")


@router.get("/user/setup")
async def show_setup(request: Request) -> Response:
    """Show the form to a visitor with the link."""
    await _check_link(request)
    values = {**dict.fromkeys(_FIELDS, ""), "budget_timezone": settings().budget_zone.key}
    return await _form(request, values, {}, guesses_zone=True)


@router.post("/user/setup")
async def take_setup(request: Request) -> Response:
    """Create the administrator, sign in and redirect to the first steps; show complaints beside their fields."""
    values = await read_form(request, *_FIELDS, "time_zone")
    await _check_link(request)
    errors, figures = _errors(values), FirstFigures()
    try:
        figures = FirstFigures(
            _price(values["eur_per_token"]),
            _monthly(values["monthly"], language_of(request)),
            await _chosen_zone(values["budget_timezone"]),
        )
    except InvalidInput as error:
        errors[error.field or ""] = error.sentence
    if errors:
        return await _form(request, values, errors, 422)
    try:
        await asyncio.to_thread(
            set_up, _token(request), values["username"], values["email"], values["password"], utc_now(), figures
        )
    except (InvalidInput, Conflict) as error:
        return await _form(request, values, {error.field or "": error.sentence}, error.status)
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


async def _chosen_zone(text: str) -> ZoneInfo | None:
    """Return the chosen time zone; None for no text, or if it may not be chosen. Raises InvalidInput."""
    if not text.strip() or not await in_reading(may_choose_zone):
        return None
    return clean_zone("budget_timezone", text)


def _price(text: str) -> Decimal | None:
    """Return the general price; none for no text. Raises InvalidInput."""
    if not text.strip():
        return None
    price = clean_field("eur_per_token", read_price, text)
    if not price:
        raise InvalidInput(
            message("Leave this empty for now: Prices asks before a price of 0 is saved."), "eur_per_token"
        )
    return general_price(price, utc_now()).eur_per_token


def _monthly(text: str, language: str) -> int | None:
    """Return the monthly limit of new accounts; None for no text. Raises InvalidInput."""
    limit = clean_field("monthly", read_limit, text, language)
    try:
        check_limits(Limits(monthly=limit))
    except InvalidInput as error:
        raise InvalidInput(error.sentence, "monthly") from error
    return limit


async def _form(
    request: Request,
    values: dict[str, str],
    errors: Mapping[str, Message],
    status: int = 200,
    *,
    guesses_zone: bool = False,
) -> Response:
    """Return the form; with `guesses_zone` a script replaces the time zone by that of the browser."""
    shown = {"username": values["username"][:MAX_NAME], "email": values["email"][:MAX_EMAIL]}
    shown["budget_timezone"] = values["budget_timezone"][:LONGEST_ZONE]
    shown |= {name: values[name][:_LONGEST_NUMBER] for name in ("eur_per_token", "monthly")}
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
        zone=settings().budget_zone.key,
        zones=sorted(zone_names()) if await in_reading(may_choose_zone) else [],
        guesses_zone=guesses_zone,
    )


def _token(request: Request) -> str:
    return request.query_params.get("token", "")[:200]
