"""`portal mail`: the state of mails."""

from dataclasses import asdict

import typer

from portal.cli.console import open_portal
from portal.cli.listing import AsJson, Cell, listing, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading
from portal.views.mails import load_failed_mails

commands = typer.Typer(help="Mails that could not be sent.", no_args_is_help=True)


@commands.callback()
def mail() -> None:
    """Show the state of mails."""


@commands.command(
    epilog=listing("portal mail failed", fields="given_up_at, username, recipient, subject, kind, tries, reason")
)
def failed(as_json: AsJson = False) -> None:
    """List mails of the last 30 days that were given up, newest first, with the reason; at most 1,000."""
    open_portal()
    columns: dict[str, Cell] = {
        "Given up": "given_up_at",
        "Account": "username",
        "To": lambda record: record["recipient"] or "",
        "Subject": "subject",
        "Tries": "tries",
        "Reason": lambda record: record["reason"] or "",
    }
    records = [asdict(mail) for mail in run_in_reading(load_failed_mails, utc_now())]
    show_list(records, columns, as_json=as_json)
