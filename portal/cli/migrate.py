"""`portal migrate`: the schema of an existing database."""

from typing import Annotated

import typer

from portal.cli.console import example, migrate_portal

commands = typer.Typer()


@commands.command(epilog=example("portal migrate", "portal migrate --keep-email alice --keep-email bob"))
def migrate(
    keep_email: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Account that keeps an email address which several accounts have; may be repeated."
        ),
    ] = None,
) -> None:
    """Bring an existing database to the schema of this version.

    `portal serve` and `portal demo` do it when they start; all other commands refuse an older schema. Make a backup
    first: an older version refuses a migrated database.
    """
    before, after = migrate_portal([name.strip().lower() for name in keep_email or ()])
    typer.echo(f"The schema is up to date ({after})." if before == after else f"Migrated from {before} to {after}.")
