"""Alert settings of an account."""

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.actions.spending.alerts import change_alerts
from portal.api.access import SESSION, Reading, Writing
from portal.api.bodies import (
    JSON,
    Body,
    body_documentation,
    media_type,
    parse_json,
    read_body,
    strict_router,
    validated,
)
from portal.api.errors import answers
from portal.clock import utc_now
from portal.errors import InvalidInput, PortalError
from portal.rules.text import MAX_EMAIL
from portal.views.spending.alerts import alert_settings
from portal.web.visitors import SignedIn

router = strict_router("Account", dependencies=[SESSION])

FORM = "application/x-www-form-urlencoded"
_SWITCH = {"on": True, "true": True, "off": False, "false": False}
_MOST_FIELDS = 10
_FORM_SCHEMA = {
    "type": "object",
    "properties": {
        "enabled": {"enum": sorted(_SWITCH), "description": "A checkbox; absent means off"},
        "threshold_percent": {"type": "string", "pattern": "^[0-9]{1,3}$"},
        "email": {"type": "string"},
        "forecast": {"enum": sorted(_SWITCH), "description": "A checkbox; absent means off"},
        "second_threshold_percent": {"type": "string", "pattern": "^[0-9]{0,3}$", "description": "Empty: none"},
    },
    "required": ["threshold_percent"],
    "additionalProperties": False,
}


class AlertsBody(Body):
    """Alert settings; without an email, mails go to the account's own address."""

    enabled: bool
    threshold_percent: Annotated[int, Field(ge=1, le=100)]
    email: Annotated[str, Field(max_length=MAX_EMAIL)] | None = None
    second_threshold_percent: Annotated[int, Field(ge=1, le=100)] | None = None
    forecast: bool = Field(default=False, description="Warn of a budget that will be exhausted before it resets")


class AlertsAnswer(BaseModel, from_attributes=True):
    """Alert settings in force; email null means the account's own address.

    `second_threshold_percent` is present if one was chosen, `forecast` if it is switched on.
    """

    enabled: bool
    threshold_percent: int
    email: str | None
    second_threshold_percent: int | None = Field(default=None, exclude_if=lambda percent: percent is None)
    forecast: bool = Field(default=False, exclude_if=lambda forecast: not forecast)


async def alerts_body(request: Request) -> AlertsBody:
    """Read new settings from JSON or from an HTML form. Raises PortalError."""
    kind = media_type(request, JSON, FORM)
    body = await read_body(request)
    return validated(AlertsBody, parse_json(body) if kind == JSON else _form(body))


@router.get("/user/alerts", responses=answers(401))
def read_alerts(session: Reading, viewer: SignedIn) -> AlertsAnswer:
    """Return the alert settings in force; email null means the account's own address."""
    return AlertsAnswer.model_validate(alert_settings(session, viewer.id))


@router.post(
    "/user/alerts",
    openapi_extra=body_documentation(AlertsBody, {FORM: _FORM_SCHEMA}),
    responses=answers(401, 403, 415)
    | {303: {"description": "Stored; a browser that sent the form is redirected to Billing"}},
    response_model=AlertsAnswer,
)
def write_alerts(
    request: Request, session: Writing, viewer: SignedIn, new: Annotated[AlertsBody, Depends(alerts_body)]
) -> AlertsAnswer | Response:
    """Store alert settings and return them."""
    stored = change_alerts(
        session,
        viewer.actor,
        new.enabled,
        new.threshold_percent,
        new.email,
        utc_now(),
        second_threshold_percent=new.second_threshold_percent,
        forecast=new.forecast,
    )
    is_browser = "text/html" in request.headers.get("accept", "")
    if is_browser and media_type(request, JSON, FORM) == FORM:
        return RedirectResponse("/user/billing", 303)
    return AlertsAnswer.model_validate(stored)


def _form(body: bytes) -> dict[str, object]:
    """Return the fields of a form with the types of JSON; browsers do not send a checkbox that is off."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise PortalError("The form cannot be read.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidInput("A field of the form is given twice.")
    values: dict[str, object] = dict(fields) | {"enabled": _SWITCH.get(switch := fields.get("enabled", "off"), switch)}
    values["email"] = fields.get("email") or None
    if "forecast" in fields:
        values["forecast"] = _SWITCH.get(fields["forecast"], fields["forecast"])
    for name in ("threshold_percent", "second_threshold_percent"):
        if name in fields:
            values[name] = _number(fields[name])
    if fields.get("second_threshold_percent") == "":
        values["second_threshold_percent"] = None
    return values


def _number(text: str) -> int | str:
    """Return a whole number of up to three digits; other text unchanged, so that validation refuses it."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 3 else text
