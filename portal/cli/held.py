"""`portal held`: events that could not be counted."""

from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from portal.actions.metering.held import (
    Settle,
    Settled,
    assigning,
    dismissing,
    matching_numbers,
    settle_many,
)
from portal.cli.console import UserName, actor, example, note, open_account, open_portal, progress
from portal.cli.listing import AsJson, Cell, Search, Sort, listing, read_filter, show_json, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading
from portal.errors import Conflict
from portal.rules.lists import ListFilter
from portal.rules.metering.held_list import EVERY_STATE, HELD_LIST
from portal.rules.text import counted
from portal.views.metering.held import HeldRow, load_held_body, load_held_list, load_held_rows

commands = typer.Typer(
    help="Events that could not be counted: of unknown keys and users, and contradictions.", no_args_is_help=True
)

Number = Annotated[
    int, typer.Argument(metavar="NUMBER", min=1, max=2**63 - 1, help="Number of the event, from the list.")
]
Numbers = Annotated[
    list[int] | None,
    typer.Argument(metavar="[NUMBER]...", min=1, max=2**63 - 1, help="Numbers of held events, from the list."),
]
OfGateway = Annotated[str, typer.Option("--gateway", metavar="NAME", help="Only events of this gateway.")]
Every = Annotated[bool, typer.Option("--every", help="All events that match --gateway and --search, without numbers.")]
_FIELDS = "number, gateway, id, reason, requested_at, received_at, settled_at, model, username, key, tokens"


@commands.command("list", epilog=listing("portal held list", "portal held list --search gpt-4 --json", fields=_FIELDS))
def list_held(
    search: Search = "",
    gateway: OfGateway = "",
    reason: Annotated[str, typer.Option(help="Only unattributed events, or only conflicts.")] = "",
    sort: Sort = "",
    most: Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="Largest number of events.")] = 1000,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are settled.")] = False,
    as_json: AsJson = False,
) -> None:
    """List held events, newest first."""
    open_portal()
    state = EVERY_STATE if everything else ""
    wanted = read_filter(HELD_LIST, search=search, gateway=gateway, reason=reason, sort=sort, state=state)
    columns: dict[str, Cell] = {
        "Number": "number",
        "Gateway": "gateway",
        "Id": "id",
        "Reason": "reason",
        "Model": "model",
        "User": "username",
        "Key": "key",
        "Requested": "requested_at",
        "Settled": "settled_at",
    }
    show_list([asdict(row) for row in run_in_reading(_rows, wanted, most)], columns, as_json=as_json)


@commands.command(epilog=example("portal held show 7"))
def show(number: Number) -> None:
    """Print the reported event as JSON, with digests in place of API keys."""
    open_portal()
    show_json(run_in_reading(load_held_body, actor(), number))


@commands.command(
    epilog=example("portal held assign alice 7 8 9", "portal held assign alice --every --gateway moe-1 --search gpt-4")
)
def assign(
    name: UserName, numbers: Numbers = None, every: Every = False, gateway: OfGateway = "", search: Search = ""
) -> None:
    """Count unattributed events for an account, each once, on the day on which it was requested.

    An event that cannot be counted is named with the reason; the others are counted.
    """
    account = open_account(name)
    wanted = read_filter(HELD_LIST, gateway=gateway, search=search)
    done = _settle("Assigning", numbers, wanted, assigning(actor(), account.id), every=every)
    _finish(done, f"Counted {{}} for {name}.")


@commands.command(epilog=example("portal held dismiss 7 --reason 'test of the gateway'"))
def dismiss(
    numbers: Numbers = None,
    reason: Annotated[str, typer.Option(help="Why, for the audit log; up to 200 characters.")] = "",
    every: Every = False,
    gateway: OfGateway = "",
    search: Search = "",
) -> None:
    """Settle held events without counting them; they are kept."""
    open_portal()
    wanted = read_filter(HELD_LIST, gateway=gateway, search=search)
    done = _settle("Dismissing", numbers, wanted, dismissing(actor(), reason), every=every)
    _finish(done, "Dismissed {}.")


def _rows(session: Session, wanted: ListFilter, most: int) -> list[HeldRow]:
    return list(islice(load_held_rows(session, actor(), wanted), most))


def _settle(what: str, numbers: list[int] | None, wanted: ListFilter, settle: Settle, *, every: bool) -> list[Settled]:
    """Settle the events with these numbers, or all that match a filter; show the progress."""
    chosen: Iterable[int]
    if bool(numbers) == every or (numbers and wanted != ListFilter()):
        raise typer.BadParameter("give either numbers, or --every with or without --gateway and --search")
    if numbers:
        chosen, total = numbers, len(numbers)
    else:
        total = run_in_reading(load_held_list, actor(), wanted, utc_now(), 1).total
        chosen = matching_numbers(actor(), wanted)
    done = []
    with progress(what, total) as advance:
        for each in settle_many(chosen, settle, utc_now):
            done.append(each)
            advance(1)
    return done


def _finish(done: list[Settled], sentence: str) -> None:
    """Print how many events were settled, and on stderr why others were not; then the exit status is 1."""
    problems = [each for each in done if each.problem is not None]
    if len(done) == 1 and problems:
        raise Conflict(problems[0].problem)
    typer.echo(sentence.format(counted(len(done) - len(problems), "event")))
    for each in problems:
        note(f"{each.number}: {each.problem}")
    if problems:
        raise typer.Exit(1)
