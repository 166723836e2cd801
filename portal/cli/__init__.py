"""The `portal` command: everything an operator needs without the web pages.

Decisions: results that a program may read go to stdout, everything else goes to stderr. A failure that can be
expected is one sentence and exit status 1; wrong usage and a missing database are 2; only a bug shows a traceback.
Secrets are read from stdin or printed once; they are never arguments, which other users of a machine could see. An
address of a database may hold a password: it is taken from stdin and the environment as well.
"""

import os
import sys
from typing import Annotated

import typer

from portal import version as installed
from portal.cli.commands import PortalCommands, Quiet, set_quiet

app = typer.Typer(
    cls=PortalCommands,
    epilog="Settings come from PORTAL_* environment variables, such as PORTAL_DATA_DIR or PORTAL_DATABASE_URL; "
    "docs/settings.md lists them.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help and errors: examples can be copied, a sentence stays one
    pretty_exceptions_enable=False,  # they would show the values of variables, secrets among them
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _say_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"MoE Portal {installed.version()}")
        raise typer.Exit


@app.callback()
def portal(
    version: Annotated[  # noqa: ARG001  # its callback has answered
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version and exit.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """MoE Portal: token budgets, cost, usage and API keys for people who share LLM gateways."""
    set_quiet(quiet)


def main() -> None:
    """Run the command that the process was started with."""
    os.umask(0o077)  # the database and its journals are nobody else's
    _open_missing_streams()
    try:
        app(prog_name="portal")
    except OSError as error:  # help cannot be written, for instance; errors of commands are written by then
        typer.echo(f"portal: {error.strerror or error}.", err=True)
        sys.exit(1)


def _open_missing_streams() -> None:
    """Open the standard streams that were closed by whoever started the process, so that no file gets their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
