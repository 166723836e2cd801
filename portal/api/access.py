"""Authentication of API callers, for the routes and for the OpenAPI document."""

from typing import Annotated

from fastapi import Depends
from fastapi.openapi.models import HTTPBearer
from fastapi.security import APIKeyCookie
from fastapi.security.base import SecurityBase
from sqlalchemy.orm import Session
from starlette.requests import HTTPConnection, Request

from portal.clock import utc_now
from portal.db.sql.session import open_session, open_snapshot, run_in_reading
from portal.errors import UnknownToken
from portal.rules.metering.reporters import Reporter
from portal.rules.people.secrets import API_KEY, GATEWAY_TOKEN, is_secret
from portal.settings import settings
from portal.views.metering.reporters import load_reporting_gateway, load_reporting_person
from portal.web.visitors import sent_bearer, sent_session


class SessionCookie(APIKeyCookie):
    """The session cookie of browsers, for the OpenAPI document."""

    def __init__(self) -> None:
        super().__init__(
            name="portal_session",
            scheme_name="Session",
            description="The cookie that signing in at `/user/login` sets; under HTTPS it is called `__Host-portal`.",
            auto_error=False,
        )


class SentSession(SessionCookie):
    """A dependency that documents the session cookie and returns its value."""

    async def __call__(self, request: HTTPConnection) -> str:
        """Return the token, which may be unknown. Raises NotSignedIn without a cookie."""
        return sent_session(request)


class SentBearer(SecurityBase):
    """A dependency that documents a bearer token and returns its value."""

    def __init__(self, name: str, bearer_format: str, description: str) -> None:
        self.scheme_name = name
        self.model = HTTPBearer(bearerFormat=bearer_format, description=description)

    async def __call__(self, request: Request) -> str:
        """Return the token, which may be unknown. Raises UnknownToken without one."""
        return sent_bearer(request)


SESSION = Depends(SessionCookie())
"""Documents the session on routes that `SignedIn` guards."""
SessionToken = Annotated[str, Depends(SentSession())]
"""The session token of the request, for routes that look it up in the snapshot of their answer."""
ApiKeyToken = Annotated[str, Depends(SentBearer("ApiKey", "moe-sk-…", "A person's own API key."))]
"""The API key of the request, for the same use."""
GatewayToken = Annotated[
    str, Depends(SentBearer("GatewayToken", "moe-gw-…", "A token that an administrator made for the gateway."))
]
"""The gateway token of the request, for the same use."""

Reading = Annotated[Session, Depends(open_snapshot, scope="function")]
Writing = Annotated[Session, Depends(open_session, scope="function")]


def reporting_gateway(token: GatewayToken) -> Reporter:
    """Return the gateway with this token. Raises UnknownToken."""
    found = _find_gateway(token) if is_secret(token, GATEWAY_TOKEN) else None
    if found is None:
        raise UnknownToken
    return found


def _find_gateway(token: str) -> Reporter | None:
    return run_in_reading(load_reporting_gateway, token, is_desktop=settings().is_desktop)


def reporting_person(token: ApiKeyToken) -> Reporter:
    """Return the person with this API key. Raises UnknownToken unless the key is usable."""
    found = run_in_reading(load_reporting_person, token, utc_now()) if is_secret(token, API_KEY) else None
    if found is None:
        raise UnknownToken
    return found


def any_reporter(token: GatewayToken, key: ApiKeyToken) -> Reporter:
    """Return the gateway or the person with the token. Raises UnknownToken."""
    return reporting_person(key) if is_secret(key, API_KEY) else reporting_gateway(token)


def reporter_of_one_person(reporter: Annotated[Reporter, Depends(any_reporter)]) -> Reporter:
    """Return a person, or a gateway on a desktop. Raises UnknownToken for other gateways."""
    if not reporter.is_of_one_person:
        raise UnknownToken
    return reporter


ReportingGateway = Annotated[Reporter, Depends(reporting_gateway)]
ReporterOfOnePerson = Annotated[Reporter, Depends(reporter_of_one_person)]
AnyReporter = Annotated[Reporter, Depends(any_reporter)]
