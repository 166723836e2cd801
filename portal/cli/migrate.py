"""`portal migrate`: the schema of an existing database."""

from collections.abc import Sequence
from typing import Annotated

import typer

from portal.cli.console import can_ask, example, migrate_portal, note
from portal.db.sql.schema import SharedEmails

commands = typer.Typer()


@commands.command(epilog=example("portal migrate", "portal migrate --keep-email alice"))
def migrate(
    keep_email: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Account that keeps an email address which several accounts have; the others lose it. Repeatable. "
            "Without it the command asks, on a terminal.",
        ),
    ] = None,
) -> None:
    """Migrate an existing database to the schema of this version.

    `portal serve` and `portal demo` do it when they start; all other commands refuse an older schema. Make a backup
    first: an older version refuses a migrated database.
    """
    keep = [name.strip().lower() for name in keep_email or ()]
    try:
        before, after = migrate_portal(keep)
    except SharedEmails as error:
        if not can_ask():
            raise
        asked = {name for names in error.accounts.values() for name in names}
        before, after = migrate_portal([*(name for name in keep if name not in asked), *_ask(error)])
    typer.echo(f"The schema is up to date ({after})." if before == after else f"Migrated from {before} to {after}.")


def _ask(shared: SharedEmails) -> list[str]:
    """Ask for each address which account keeps it; return their user names."""
    note("An email address may belong to one account only. The other accounts stay, without an address.")
    return [_choice(email, names) for email, names in shared.accounts.items()]


def _choice(email: str, names: Sequence[str]) -> str:
    while True:
        answer = str(typer.prompt(f"Which account keeps {email}? ({', '.join(names)})", err=True)).strip().lower()
        if answer in names:
            return answer
        note(f"Type one of {', '.join(names)}.")
