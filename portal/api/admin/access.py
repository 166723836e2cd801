"""The callers of `/admin/api`: an administrator with a session, or a program with an admin token."""

from collections.abc import Callable
from functools import cache

from fastapi import APIRouter, Depends
from fastapi.security import HTTPBearer
from starlette.requests import Request

from portal.actions.people.admin_tokens import note_admin_token_use
from portal.api.access import SESSION
from portal.api.bodies import check_query
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.errors import Forbidden, NotFound, UnknownToken
from portal.rules.messages import message
from portal.rules.people.actors import Actor
from portal.rules.people.admin_tokens import NOTED_EVERY, SCOPES, allows
from portal.settings import settings
from portal.views.people.admin_tokens import load_working_token
from portal.web.visitors import administering, browser_of, sent_bearer

_TOKEN = Depends(
    HTTPBearer(
        scheme_name="AdminToken",
        bearerFormat="moe-ad-…",
        description="A token that `portal admin-token create` has made; it needs the scope that the route names.",
        auto_error=False,
    )
)
"""Documents the token on routes that `admin_caller` guards."""


def admin_router(*tags: str) -> APIRouter:
    """Return a router of administration. Each of its routes has an `admin_caller` as a parameter or a dependency."""
    return APIRouter(
        tags=list(tags), dependencies=[SESSION, _TOKEN], generate_unique_id_function=lambda route: route.name
    )


@cache
def admin_caller(scope: str) -> Callable[[Request], Actor]:
    """Return the dependency that a route needs: `Annotated[Actor, Depends(admin_caller("accounts:read"))]`.

    It returns the actor for actions. It raises NotSignedIn, UnknownToken, Forbidden, and InvalidInput for unknown query
    parameters. The guard (`web.guard`) has checked the origin of writes with a cookie. It comes before the session of a
    route that writes: it stores the use of a token itself.
    """
    if scope not in SCOPES:
        raise ValueError(f"There is no scope {scope}.")

    def find_caller(request: Request) -> Actor:
        if settings().is_desktop:
            raise NotFound
        has_token = request.headers.get("authorization", "").lower().startswith("bearer")
        caller = _token_caller(request, scope) if has_token else _person(request)
        check_query(request)
        return caller

    find_caller.__name__ = f"find_caller_{scope}"
    return find_caller


def _person(request: Request) -> Actor:
    return administering(request).actor


def _token_caller(request: Request, scope: str) -> Actor:
    now = utc_now()
    token = run_in_reading(load_working_token, sent_bearer(request), now)
    if token is None:
        raise UnknownToken
    if not allows(token.scopes, scope):
        raise Forbidden(message("This token does not have the scope {scope}.", scope=scope))
    if token.last_used_at is None or now - token.last_used_at >= NOTED_EVERY:
        run_in_transaction(note_admin_token_use, token.id, now)
    return token.actor(browser_of(request).address)
