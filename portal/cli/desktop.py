"""`portal desktop`: the portal of one person on one machine, in a window of its own."""

from pathlib import Path
from typing import Annotated

import typer

from portal.desktop.shell import Options, data_problem, port_problem, run

commands = typer.Typer()

_EXAMPLES = "\b\nExample:\n  portal desktop\n  portal desktop --data ~/usage --port 8090"
"""Without `portal.cli.console`, which imports the database: the window opens before that."""


@commands.command(epilog=_EXAMPLES)
def desktop(
    data: Annotated[
        str | None, typer.Option(metavar="DIR", help="Folder of the data; default: PORTAL_DATA_DIR, else your own.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(metavar="N", help="TCP port on 127.0.0.1; default: that of the last start.")
    ] = None,
    no_window: Annotated[
        bool, typer.Option("--no-window", help="Open no window; print the file that opens one.")
    ] = False,
) -> None:
    """Open the portal of one person on one machine, in a window.

    There is no sign-in. Closing the window ends the program; without a window it runs until it is stopped.
    """
    if problem := data_problem(data):
        raise typer.BadParameter(problem, param_hint="--data")
    if problem := port_problem(port):
        raise typer.BadParameter(problem, param_hint="--port")
    raise typer.Exit(run(Options(Path(data) if data else None, port, not no_window)))
