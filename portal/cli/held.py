"""`portal held`: events that could not be counted."""

from dataclasses import asdict
from typing import Annotated

import typer

from portal.actions.metering.held import assign_held, dismiss_held
from portal.cli.console import UserName, actor, example, open_account, open_portal, progress
from portal.cli.listing import AsJson, Cell, listing, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.rules.text import counted
from portal.settings import settings
from portal.views.metering.held import load_held, load_held_body

commands = typer.Typer(
    help="Events that could not be counted: of unknown keys and users, and contradictions.", no_args_is_help=True
)

Number = Annotated[
    int, typer.Argument(metavar="NUMBER", min=1, max=2**63 - 1, help="Number of the event, from the list.")
]
Numbers = Annotated[
    list[int], typer.Argument(metavar="NUMBER...", min=1, max=2**63 - 1, help="Numbers of held events, from the list.")
]


@commands.command(
    "list", epilog=listing("portal held list", fields="number, gateway, id, reason, requested_at, settled_at")
)
def list_held(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are settled.")] = False,
    as_json: AsJson = False,
) -> None:
    """List held events, newest first; at most 1,000."""
    open_portal()
    columns: dict[str, Cell] = {
        "Number": "number",
        "Gateway": "gateway",
        "Id": "id",
        "Reason": "reason",
        "Requested": "requested_at",
        "Settled": "settled_at",
    }
    records = [asdict(held) for held in run_in_reading(load_held, settled=everything)]
    show_list(records, columns, as_json=as_json)


@commands.command(epilog=example("portal held show 7"))
def show(number: Number) -> None:
    """Print the reported event as JSON, with digests in place of API keys."""
    open_portal()
    typer.echo(run_in_reading(load_held_body, number))


@commands.command(epilog=example("portal held assign alice 7 8 9"))
def assign(name: UserName, numbers: Numbers) -> None:
    """Count unattributed events for an account, each once, on the day on which it was requested."""
    account = open_account(name)
    with progress("Assigning", len(numbers)) as advance:
        for number in numbers:
            run_in_transaction(assign_held, actor(), number, account.id, settings().budget_zone, utc_now())
            advance(1)
    typer.echo(f"Counted {counted(len(numbers), 'event')} for {name}.")


@commands.command(epilog=example("portal held dismiss 7"))
def dismiss(numbers: Numbers) -> None:
    """Settle held events without counting them; they are kept."""
    open_portal()
    for number in numbers:
        run_in_transaction(dismiss_held, actor(), number, utc_now())
    typer.echo(f"Dismissed {counted(len(numbers), 'event')}.")
