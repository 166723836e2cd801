"""The JSON API: the same views and actions as the pages, for browsers, programs and gateways.

Decisions:
- Routes are plain `def` and run on threads; only dependencies (`bodies`) are asynchronous, to read bodies. Routes
  return the dataclasses of the views if these fit, else models that are defined beside the route.
- Routes that programs call often (`authorize`, `budget`) use one thread and one SQL statement, which also looks up the
  caller: each dependency that reads the database would need a thread and a snapshot of its own. The dependency that
  documents a token also reads it from the request (`access`), since each dependency takes time.
- Nothing is guessed: unknown fields and parameters, converted types and ambiguous JSON are refused with a sentence
  (`errors`). The OpenAPI document has every status that a route can answer; a test checks this.
- A write with a cookie must come from an origin of the portal; `web.origins` decides this.
- Routes of administration are imported by a server only; the desktop program does not know them.
- All paths below `/api/`, `/user/api/` and `/admin/api/` are answered here, also unknown ones, so that no program
  gets a page.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from portal.api import health
from portal.api.account import (
    alerts,
    budget,
    budget_requests,
    export,
    keys,
    notes,
    notifications,
    summary,
    usage,
    usage_export,
)
from portal.api.bodies import strict_router
from portal.api.errors import JSON_PATHS, JSON_TREES, answers
from portal.api.gateways import authorization, otlp, usage_continue, usage_ingest, usage_openai
from portal.settings import settings

VERSION = "1"
"""Version of the API, raised by a change that breaks programs."""


_often = (authorization, usage_ingest, budget, otlp)  # first, since routes are tried one by one
_others = (
    *(usage_openai, usage_continue, summary, usage, usage_export, notes),
    *(alerts, keys, export, health),
)
_server = (budget_requests, notifications)
"""What the desktop program does not have, besides administration."""

document = strict_router("Operations")


@lru_cache(maxsize=2)
def api_router(*, is_desktop: bool = False) -> APIRouter:
    """Return the router with all routes of a server, or of the desktop program."""
    parts: list[Any] = [*_often, *_others]
    if not is_desktop:
        from portal.api import administration  # noqa: PLC0415  # the desktop program saves its memory

        parts += [*_server, *administration.PARTS]
    routers = [*(part.router for part in parts), document]
    router = APIRouter(routes=[route for each in routers for route in each.routes])  # one match of each path
    for path in (*(f"{tree}{{rest:path}}" for tree in JSON_TREES), *JSON_PATHS):
        router.add_route(path, nothing_here, methods=[], include_in_schema=False)  # an empty list means all methods
    return router


@lru_cache(maxsize=2)
def openapi(*, is_desktop: bool = False) -> dict[str, Any]:
    """Return the OpenAPI document of the routes of a server, or of the desktop program."""
    return get_openapi(
        title="MoE Portal",
        version=VERSION,
        summary="Token budgets, usage, API keys and metering of shared LLM gateways",
        routes=api_router(is_desktop=is_desktop).routes,
    )


@document.get("/api/openapi.json", responses=answers())
def read_openapi() -> dict[str, Any]:
    """Return this document."""
    return openapi(is_desktop=settings().is_desktop)


def methods_taken(path: str, routes: Sequence[BaseRoute]) -> list[str]:
    """Return the methods that routes accept at a path, HEAD with every GET; empty for an unknown path."""
    found = (context.original_route for context in iter_route_contexts(routes))
    there = [route for route in found if isinstance(route, APIRoute) and route.path_regex.match(path)]
    methods = {method for route in there for method in route.methods or ()}
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


async def nothing_here(request: Request) -> Response:
    """Answer requests without a route: raise 404 for an unknown path, 405 for another method of a known path."""
    taken = methods_taken(request.url.path, api_router(is_desktop=settings().is_desktop).routes)
    raise HTTPException(405, headers={"Allow": ", ".join(taken)}) if taken else HTTPException(404)
