"""Serve the portal's own files, the icon, and a redirect from `/` to the first page."""

from mimetypes import guess_type

from fastapi import FastAPI
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from portal.pages.components.assets import JOINED, STATIC, content, static
from portal.pages.navigation import DASHBOARD
from portal.web.guard import YEAR


class OwnFiles(StaticFiles):
    """Static files: cached for a year if the address has their digest, else revalidated on each request."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file with its `Cache-Control` header."""
        if path in JOINED and scope["method"] == "GET":
            response = Response(content(path), media_type=guess_type(path)[0])
        else:
            response = await super().get_response(path, scope)
        is_versioned = scope["query_string"] and static(path).endswith(f"?{scope['query_string'].decode('latin-1')}")
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if is_versioned else "no-cache"
        return response


def add_files(server: FastAPI) -> None:
    """Add the routes of files, of the icon, and of `/`."""
    server.mount("/static", OwnFiles(directory=STATIC))

    @server.get("/favicon.ico", include_in_schema=False)
    async def favicon() -> Response:
        return FileResponse(STATIC / "favicon.svg", headers={"Cache-Control": "public, max-age=86400"})

    @server.get("/", include_in_schema=False)
    async def home() -> Response:
        return RedirectResponse(DASHBOARD.path, 303)
