"""`portal mail`: what became of the mails that people are sent."""

from datetime import timedelta

import typer
from sqlalchemy.orm import Session

from portal.cli.console import example, open_portal, show_table, shown
from portal.clock import utc_now
from portal.db.accounts import account
from portal.db.mails import failed_mails
from portal.db.session import run_in_reading

commands = typer.Typer(help="Mails that could not be sent.", no_args_is_help=True)

LATELY = timedelta(days=30)
MOST = 1000


@commands.callback()
def mail() -> None:
    """Say what became of mails."""


@commands.command(epilog=example("portal mail failed"))
def failed() -> None:
    """List mails of the last 30 days that were given up, newest first, with the reason; at most 1,000."""
    open_portal()
    show_table(("Given up", "Account", "To", "Subject", "Tries", "Reason"), run_in_reading(_rows))


def _rows(session: Session) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for found in failed_mails(session, utc_now() - LATELY, MOST):
        owner = account(session, found.account_id)
        name = owner.username if owner else found.account_id
        rows.append((shown(found.finished_at), name, found.recipient, found.subject, found.tries, found.error or ""))
    return rows
