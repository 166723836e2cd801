"""`portal mail`: the state of mails."""

from dataclasses import asdict
from typing import Annotated

import typer

from portal.actions.outbox import repeat_message
from portal.cli.console import actor, example, open_portal
from portal.cli.listing import AsJson, Cell, listing, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.views.mails import load_failed_mails

_FIELDS = "id, given_up_at, username, recipient, subject, kind, tries, reason, channel, can_repeat"

commands = typer.Typer(help="Mails that could not be sent.", no_args_is_help=True)


@commands.callback()
def mail() -> None:
    """Show the state of mails."""


@commands.command(epilog=listing("portal mail failed", fields=_FIELDS))
def failed(as_json: AsJson = False) -> None:
    """List mails of the last 30 days that were given up, newest first, with the reason; at most 1,000."""
    open_portal()
    columns: dict[str, Cell] = {
        "Number": "id",
        "Given up": "given_up_at",
        "Account": "username",
        "To": lambda record: record["recipient"] or "",
        "Subject": "subject",
        "Tries": "tries",
        "Reason": lambda record: record["reason"] or "",
    }
    records = [asdict(mail) for mail in run_in_reading(load_failed_mails, utc_now())]
    show_list(records, columns, as_json=as_json)


@commands.command(epilog=example("portal mail retry 17"))
def retry(
    number: Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="Number of the message in `portal mail failed`.")],
) -> None:
    """Send a message that was given up once more, to the present address."""
    open_portal()
    recipient = run_in_transaction(repeat_message, actor(), number, utc_now())
    typer.echo(f"Queued the message to {recipient} again.")
