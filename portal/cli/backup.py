"""`portal backup` and `portal restore`."""

from pathlib import Path
from typing import Annotated

import typer

from portal.backups.archive import manifest_of
from portal.backups.manifest import Manifest
from portal.backups.restoring import Order, Restored
from portal.backups.targets import restore_backup
from portal.backups.writing import write_backup
from portal.cli.console import actor, example, note, open_any_portal, progress, restored_address, shown
from portal.clock import utc_now
from portal.rules.spending.pricing import eur_text
from portal.rules.text import counted
from portal.settings import settings

commands = typer.Typer()


@commands.command(epilog=example("portal backup /backups/portal.zip", "portal backup --portable portal.zip"))
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write, replaced when the new one is complete.")],
    portable: Annotated[
        bool,
        typer.Option("--portable", help="Write a PostgreSQL database in a form that SQLite can be restored from too."),
    ] = False,
) -> None:
    """Write everything of the portal to one file; the portal may be running.

    The file has all data but no open sessions, and only you may read it: it contains personal data. For PostgreSQL the
    command needs pg_dump, except with --portable.
    """
    database = open_any_portal()
    manifest = write_backup(database, file, utc_now(), portable=portable)
    typer.echo(f"Wrote {file}: {_content(manifest)}.")


@commands.command(epilog=example("portal restore /backups/portal.zip", "portal restore --replace portal.zip"))
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `portal backup` has written.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace everything in a database that has data by the backup.")
    ] = False,
    keep_email: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Account that keeps an email address which several accounts of an old backup have. Repeatable.",
        ),
    ] = None,
) -> None:
    """Create the database from a backup.

    Stop the portal first. The backup may be of SQLite or PostgreSQL; one of an older version is migrated. Everything is
    checked before the old content is replaced, at once; after a failure or an interruption the database is as it was.
    Afterwards everybody signs in again. The exit status is 1 if sums differ from the stored requests, else 0.
    """
    address = restored_address()
    manifest = manifest_of(file)
    keep = [name.strip().lower() for name in keep_email or ()]
    with progress("Verifying", manifest.requests) as advance:
        done = restore_backup(address, file, Order(actor(), utc_now(), keep, advance), replace=replace)
    typer.echo(f"Restored the backup of {shown(manifest.created_at)}: {_content(manifest)}.")
    _report(done)


def _report(done: Restored) -> None:
    """Print what the operator has to do now."""
    zone = done.budget_timezone
    if zone is not None and settings().budget_timezone not in {None, zone}:
        note(f"Days are counted in {zone}. Start the portal with PORTAL_BUDGET_TIMEZONE={zone}.")
    for fault in done.faults:
        note(fault)
    if done.faults:
        note(f"{counted(len(done.faults), 'difference')}, as in the backup. `portal rebuild` computes the sums again.")
        raise typer.Exit(1)
    note("The numbers tie. Everybody signs in again.")


def _content(manifest: Manifest) -> str:
    return (
        f"{counted(manifest.accounts, 'account')}, {counted(manifest.requests, 'request')}, "
        f"{counted(manifest.tokens, 'token')}, {eur_text(manifest.cost_nano_eur)} EUR"
    )
