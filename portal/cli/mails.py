"""`portal mail`: what became of the mails that people are sent."""

from datetime import timedelta

import typer
from sqlalchemy.orm import Session

from portal.cli.console import open_portal
from portal.cli.listing import AsJson, Cell, Record, listing, show_list
from portal.clock import utc_now
from portal.db.accounts import account
from portal.db.mails import failed_mails
from portal.db.sql.session import run_in_reading

commands = typer.Typer(help="Mails that could not be sent.", no_args_is_help=True)

LATELY = timedelta(days=30)
MOST = 1000


@commands.callback()
def mail() -> None:
    """Say what became of mails."""


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
    show_list(run_in_reading(_failed), columns, as_json=as_json)


def _failed(session: Session) -> list[Record]:
    records: list[Record] = []
    for found in failed_mails(session, utc_now() - LATELY, MOST):
        owner = account(session, found.account_id)
        records.append(
            {
                "given_up_at": found.finished_at,
                "username": owner.username if owner else None,
                "recipient": found.recipient or None,
                "subject": found.subject,
                "kind": found.kind,
                "tries": found.tries,
                "reason": found.error,
            }
        )
    return records
