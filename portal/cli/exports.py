"""`portal export`: files with everything that the portal holds of a person."""

import os
from pathlib import Path
from typing import Annotated

import typer

from portal.actions.people.export import allow_export
from portal.cli.console import UserName, actor, example, open_account
from portal.clock import utc_now
from portal.db.sql.session import database, run_in_transaction
from portal.exports.person import person_archive
from portal.rules.people.accounts import Language

commands = typer.Typer(help="Files with everything that the portal holds of a person.", no_args_is_help=True)


@commands.callback()
def group() -> None:
    """Keep `person` a command of its own, since it is the only one."""


@commands.command(epilog=example("portal export person alice --output alice.zip"))
def person(
    name: UserName,
    output: Annotated[Path, typer.Option(help="The ZIP file to write; it must not exist yet.")],
    language: Annotated[Language, typer.Option(help="The language of the README in it.")] = Language.ENGLISH,
) -> None:
    """Write everything that the portal holds of a person to a ZIP with JSON and CSV files, without secrets.

    The file is for that person, and only its owner may read it. The audit log has an entry about it.
    """
    account, now = open_account(name), utc_now()
    run_in_transaction(allow_export, actor(), account.id, now)
    with (
        open(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file,  # noqa: PTH123  # with a mode
        database().reading() as session,
    ):
        file.writelines(person_archive(session, account.id, language, now))
    typer.echo(f"Wrote everything about {account.username} to {output}.")
