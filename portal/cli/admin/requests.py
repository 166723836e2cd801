"""`portal request`: requests of people for more tokens."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from portal.actions.spending.budget_requests import approve_request, decline_request
from portal.cli.console import actor, example, open_portal, read_moment, shown
from portal.cli.listing import AsJson, Cell, Search, Sort, listing, read_filter, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.rules.lists import ListFilter
from portal.rules.periods import Period
from portal.rules.spending.budget_requests import RequestState
from portal.rules.spending.request_list import DECIDED, EVERY_STATE, REQUEST_LIST
from portal.settings import settings
from portal.views.spending.budget_requests import BudgetRequestView
from portal.views.spending.request_list import load_request, load_request_rows

commands = typer.Typer(help="Requests of people for more tokens.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(metavar="ID", help="The number of the request.")]

_FIELDS = (
    "id, account_id, username, display_name, team, period, tokens, reason, state, created_at, decided_at, "
    "decided_by (null: an operator), answer, granted_tokens, granted_until"
)


@commands.command(
    "list",
    epilog=listing("portal request list", "portal request list --state decided --sort=-decided --json", fields=_FIELDS),
)
def list_requests(
    search: Search = "",
    state: Annotated[
        str, typer.Option(help=f"Only {', '.join(RequestState)} or {DECIDED} requests; or {EVERY_STATE}.")
    ] = RequestState.OPEN,
    period: Annotated[Period | None, typer.Option(help="Only requests for this budget.")] = None,
    team: Annotated[str, typer.Option(help="Only requests of people who are in this team now.")] = "",
    sort: Sort = "",
    as_json: AsJson = False,
) -> None:
    """List the requests that wait for a decision, or others."""
    open_portal()
    wanted = read_filter(REQUEST_LIST, search=search, state=state, period=period or "", team=team, sort=sort)
    columns: dict[str, Cell] = {
        "Id": "id",
        "Asked": "created_at",
        "Name": "username",
        "Team": "team",
        "Budget": "period",
        "Tokens": "tokens",
        "Reason": "reason",
        "State": "state",
        "Decided": "decided_at",
        "By": "decided_by",
        "Granted": "granted_tokens",
        "Until": "granted_until",
    }
    show_list([_record(view) for view in run_in_reading(_rows, wanted)], columns, as_json=as_json)


@commands.command(
    epilog=example(
        "portal request approve 7",
        "portal request approve 7 --tokens 500000 --until 2026-12-24 --answer 'Half of it for now.'",
    )
)
def approve(
    number: Number,
    amount: Annotated[int | None, typer.Option("--tokens", metavar="N", help="Other tokens than requested.")] = None,
    until: Annotated[
        str | None,
        typer.Option(help="The last day, or an instant with an offset; by default the end of the period, or 30 days."),
    ] = None,
    answer: Annotated[str, typer.Option(help="A word to the person.")] = "",
) -> None:
    """Add the tokens to the limit of the person for a time; the person gets the answer in the bell and by mail."""
    open_portal()
    end = None if until is None else read_moment(until, "--until", settings().budget_zone, end=True)
    run_in_transaction(approve_request, actor(), number, utc_now(), tokens=amount, ends_at=end, answer=answer)
    view = run_in_reading(load_request, actor(), number)
    typer.echo(
        f"Approved request {number}: {view.username} has {view.granted_tokens or 0:,} more tokens ({view.period}) "
        f"until {shown(view.granted_until)}."
    )


@commands.command(epilog=example("portal request decline 7 --answer 'Please use the smaller model for this.'"))
def decline(
    number: Number, answer: Annotated[str, typer.Option(help="The word with which the person gets the answer.")]
) -> None:
    """Decline a request; the person gets the answer in the bell and by mail."""
    open_portal()
    run_in_transaction(decline_request, actor(), number, answer, utc_now())
    typer.echo(f"Declined request {number} of {run_in_reading(load_request, actor(), number).username}.")


def _rows(session: Session, wanted: ListFilter) -> list[BudgetRequestView]:
    return list(load_request_rows(session, actor(), wanted))


def _record(view: BudgetRequestView) -> Mapping[str, Any]:
    return {name: value for name, value in asdict(view).items() if name != "is_read"}
