"""Who may call which routes, for the routes and for the OpenAPI document."""

from typing import Annotated

from fastapi import Depends
from fastapi.security import APIKeyCookie, HTTPBearer
from sqlalchemy.orm import Session

from portal.db.gateways import gateway_with_token
from portal.db.session import open_session, open_snapshot, run_in_reading
from portal.errors import UnknownToken
from portal.rules.secrets import GATEWAY_TOKEN, digest, is_secret
from portal.visitors import BearerToken, same_origin

# These document the ways in; the dependencies of portal/visitors.py and `reporting_gateway` guard them.
SESSION = Depends(
    APIKeyCookie(
        name="portal_session",
        scheme_name="Session",
        description="The cookie that signing in at `/user/login` sets; under HTTPS it is called `__Host-portal`.",
        auto_error=False,
    )
)
API_KEY = Depends(
    HTTPBearer(scheme_name="ApiKey", bearerFormat="moe-sk-…", description="A person's own API key.", auto_error=False)
)
GATEWAY = Depends(
    HTTPBearer(
        scheme_name="GatewayToken",
        bearerFormat="moe-gw-…",
        description="A token that an administrator made for the gateway.",
        auto_error=False,
    )
)
SAME_ORIGIN = Depends(same_origin)
"""On every route that changes something for whoever holds a cookie."""

Reading = Annotated[Session, Depends(open_snapshot, scope="function")]
Writing = Annotated[Session, Depends(open_session, scope="function")]


def reporting_gateway(token: BearerToken) -> int:
    """Return the id of the gateway whose token this is. Raises UnknownToken."""
    found = run_in_reading(gateway_with_token, digest(token)) if is_secret(token, GATEWAY_TOKEN) else None
    if found is None:
        raise UnknownToken
    return found.id


ReportingGateway = Annotated[int, Depends(reporting_gateway)]
