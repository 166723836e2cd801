"""`portal budget allow`, `allowances` and `end`: extra tokens for a time."""

from dataclasses import asdict
from typing import Annotated

import typer

from portal.actions.spending.allowances import end_allowance, grant_allowance
from portal.cli.console import UserName, actor, example, open_account, open_portal, read_moment, shown
from portal.cli.listing import AsJson, listing, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.rules.periods import Period
from portal.rules.spending.allowances import NewAllowance, usual_end
from portal.settings import settings
from portal.views.people.accounts import find_account
from portal.views.spending.allowances import load_allowances, load_running_allowances

commands = typer.Typer()


@commands.command(
    epilog=example(
        'portal budget allow alice --period monthly --tokens 5000000 --reason "Thesis" --until 2026-12-24',
    ),
)
def allow(
    name: UserName,
    period: Annotated[Period, typer.Option(help="The budget that gets more.")],
    amount: Annotated[int, typer.Option("--tokens", metavar="N", help="Extra billable tokens.")],
    reason: Annotated[str, typer.Option(help="Why, for the person and the audit log.")],
    until: Annotated[
        str | None,
        typer.Option(help="The last day, or an instant with an offset; by default the end of the period, or 30 days."),
    ] = None,
) -> None:
    """Add tokens to a limit of an account for a time."""
    account = open_account(name)
    tz, now = settings().budget_zone, utc_now()
    end = usual_end(period, now, tz) if until is None else read_moment(until, "--until", tz, end=True)
    new = NewAllowance(period, amount, reason, end)
    number = run_in_transaction(grant_allowance, actor(), account.id, new, now)
    typer.echo(f"Allowance {number}: {account.username} has {amount:,} more tokens ({period}) until {shown(end)}.")


@commands.command(
    epilog=listing(
        "portal budget allowances alice",
        "portal budget allowances --json",
        fields=(
            "id, account_id, username, display_name, period, tokens, reason, state (in_force, upcoming, ended), "
            "starts_at, ends_at, ended_at, granted_by (null: an operator)"
        ),
    ),
)
def allowances(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="User name or email address; else all.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the allowances of an account, or those of all accounts that have not ended."""
    open_portal()
    now = utc_now()
    if name is None:
        views = run_in_reading(load_running_allowances, now)
    else:
        views = run_in_reading(load_allowances, run_in_reading(find_account, name.strip().lower()).id, now)
    columns = {
        "Id": "id",
        "Name": "username",
        "Period": "period",
        "Tokens": "tokens",
        "State": "state",
        "Ends": "ends_at",
        "Reason": "reason",
        "By": "granted_by",
    }
    show_list([asdict(view) for view in views], columns, as_json=as_json)


@commands.command("end", epilog=example("portal budget end 7"))
def end_early(number: Annotated[int, typer.Argument(metavar="ID", help="The number of the allowance.")]) -> None:
    """End an allowance before its time."""
    open_portal()
    run_in_transaction(end_allowance, actor(), number, utc_now())
    typer.echo(f"Allowance {number} has ended.")
