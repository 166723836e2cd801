"""The `portal` command for operators.

Decisions: results for programs go to stdout, all other text goes to stderr. An expected failure is one sentence and
exit status 1; wrong usage and a missing database have exit status 2; only a bug shows a traceback. Secrets are read
from stdin or printed once. They are never arguments, which other users of the machine can see. The address of a
database may contain a password, so it is read from stdin or the environment too.
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
    rich_markup_mode=None,  # plain help and errors, so that examples can be copied
    pretty_exceptions_enable=False,  # they would show the values of variables, also secrets
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"MoE Portal {installed.version()}")
        raise typer.Exit


@app.callback()
def portal(
    version: Annotated[  # noqa: ARG001  # its callback prints the version
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """MoE Portal: token budgets, cost, usage and API keys for people who share LLM gateways."""
    set_quiet(quiet)


def main() -> None:
    """Run the command in the arguments of the process."""
    os.umask(0o077)  # no other user may read the database and its journals
    _open_missing_streams()
    try:
        app(prog_name="portal")
    except OSError as error:  # for example if help cannot be written; commands report their own errors
        typer.echo(f"portal: {error.strerror or error}.", err=True)
        sys.exit(1)


def _open_missing_streams() -> None:
    """Open standard streams that the parent process has closed, so that no other file gets their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
