"""`portal note`: the notes of all people."""

from dataclasses import asdict
from itertools import islice
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from portal.actions.metering.note_search import note_look
from portal.cli.console import actor, note, open_portal
from portal.cli.listing import AsJson, Cell, Search, listing, read_filter, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.rules.lists import ListFilter
from portal.rules.metering.note_list import NOTE_LIST
from portal.views.metering.note_list import NoteRow, load_note_rows

commands = typer.Typer(help="The notes of people on their requests; each search is audited.", no_args_is_help=True)


@commands.callback()
def notes() -> None:
    """Search in the notes."""


@commands.command(
    "list",
    epilog=listing(
        "portal note list --search refund",
        "portal note list --account alice --json",
        fields="usage_id, username, text, updated_at, model, requested_at",
    ),
)
def list_notes(
    search: Search = "",
    account: Annotated[str, typer.Option(metavar="NAME", help="Only notes of this user name.")] = "",
    most: Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="Largest number of notes.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """List notes with a text or of a person, newest first; the audit log gets an entry with the search."""
    open_portal()
    wanted = read_filter(NOTE_LIST, search=search, account=account)
    run_in_transaction(note_look, actor(), wanted, utc_now())
    note("Notes are personal. The audit log has this search.")
    columns: dict[str, Cell] = {
        "Changed": "updated_at",
        "Account": "username",
        "Model": "model",
        "Requested": "requested_at",
        "Note": lambda record: " ".join(str(record["text"]).split()),
    }
    show_list([asdict(row) for row in run_in_reading(_rows, wanted, most)], columns, as_json=as_json)


def _rows(session: Session, wanted: ListFilter, most: int) -> list[NoteRow]:
    return list(islice(load_note_rows(session, actor(), wanted), most))
