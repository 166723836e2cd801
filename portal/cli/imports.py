"""`portal import`: import from other systems; an import may be repeated and counts nothing twice."""

import typer

from portal.cli import import_sovereign, import_usage

commands = typer.Typer(help="Import from other systems.", no_args_is_help=True)
commands.add_typer(import_sovereign.commands)
commands.add_typer(import_usage.commands)
