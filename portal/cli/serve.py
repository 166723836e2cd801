"""`portal serve`: the web server."""

import os
from collections.abc import Callable
from typing import Annotated

import typer

from portal.cli.console import example
from portal.settings import settings

commands = typer.Typer()

Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="TCP port to listen on; default: PORTAL_PORT, else 8080.")
]


@commands.command(epilog=example("portal serve --host 0.0.0.0 --port 8080"))
def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; default: PORTAL_HOST, else 127.0.0.1.")
    ] = None,
    port: Port = None,
) -> None:
    """Serve the portal until it is stopped. The first start prints a link that creates the first administrator."""
    override(PORTAL_HOST=host, PORTAL_PORT=port)
    run_server()


def override(**variables: object) -> None:
    """Set PORTAL_* variables for this process and its children; None leaves a variable unchanged."""
    os.environ.update({name: str(value) for name, value in variables.items() if value is not None})
    settings.cache_clear()


def run_server(*, access_log: bool = True, ready: Callable[[], None] = lambda: None) -> None:
    """Serve with the present settings until stopped; call `ready` when the server answers requests."""
    from portal.web.process import serve as serve_portal  # noqa: PLC0415  # takes a second to import

    serve_portal(settings(), access_log=access_log, ready=ready)
