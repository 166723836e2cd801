"""The table of body limits, compared with the routes of the whole server."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from portal import api
from portal.pages import DESKTOP_FORMS, FORMS
from portal.web.bodies import LARGEST_BODIES, SMALL_BODY, largest_body, listed_body

READS = {"GET", "HEAD"}


def written_paths() -> Iterator[str]:
    """Yield the paths of all routes that a body may be sent to."""
    for router in (api.api_router(), *(form.router for form in FORMS + DESKTOP_FORMS)):
        routes: list[Any] = [context.original_route for context in iter_route_contexts(router.routes)]
        yield from (
            route.path for route in routes if isinstance(route, APIRoute) and not set(route.methods or ()) <= READS
        )


@pytest.mark.parametrize("path", sorted(set(written_paths())))
def test_route_with_a_body_has_an_entry(path: str) -> None:
    assert listed_body(path) is not None


@pytest.mark.parametrize("entry", [entry for entry in LARGEST_BODIES if entry.startswith(("/api", "/user"))])
def test_entry_has_a_route(entry: str) -> None:
    assert any(path == entry or (entry.endswith("/") and path.startswith(entry)) for path in written_paths())


@pytest.mark.parametrize(
    ("path", "most"),
    [
        pytest.param("/api/v1/usage", 10_000_000, id="a route"),
        pytest.param("/api/v1/usage/litellm", 64_000_000, id="a route below another"),
        pytest.param("/api/v1/usage/other", SMALL_BODY, id="no route, below a route"),
        pytest.param("/api/v1/otlp/v1/traces", 64_000_000, id="in a tree"),
        pytest.param("/user/login", 20_000, id="a form"),
        pytest.param("/_nicegui_ws/socket.io/", 1_000_000, id="the socket"),
        pytest.param("/nowhere", SMALL_BODY, id="unknown"),
    ],
)
def test_largest_body(path: str, most: int) -> None:
    assert largest_body(path) == most
