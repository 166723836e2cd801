"""`portal team`: teams, their shared budgets, members and managers."""

from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from portal.actions.people.teams import (
    add_manager,
    change_team,
    create_team,
    delete_team,
    move_account,
    remove_manager,
    set_team_active,
    set_team_budget,
)
from portal.cli.budgets import limits_sentence
from portal.cli.console import UserName, actor, can_ask, example, open_portal, read_limits
from portal.cli.listing import AsJson, Cell, Search, Sort, answer, listing, read_filter, show_json, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.rules.lists import ListFilter
from portal.rules.people.team_list import TEAM_LIST, TeamStatus
from portal.rules.spending.budgets import Limits
from portal.rules.spending.pricing import eur_text
from portal.views.people.accounts import find_account
from portal.views.people.teams import TeamItem, TeamView, find_team, load_team, load_team_rows

commands = typer.Typer(help="Teams: accounts with a shared budget, a cost centre and managers.", no_args_is_help=True)

TeamName = Annotated[str, typer.Argument(metavar="TEAM", help="Name of the team.")]
_FIELDS = (
    "id, name, cost_centre, status, created_at, members, daily, monthly, total (limits, null: none), tokens, requests, "
    "cost_eur, unpriced, budget_period, budget_percent, budget_level"
)
_TOKENS = typer.Option(metavar="N|none", help="Billable tokens that all members share.")


@commands.command("list", epilog=listing("portal team list", "portal team list --sort=-cost --json", fields=_FIELDS))
def list_teams(
    search: Search = "",
    status: Annotated[TeamStatus | None, typer.Option(help="Only teams with this status.")] = None,
    sort: Sort = "",
    as_json: AsJson = False,
) -> None:
    """List teams with their usage of this month and their fullest budget."""
    open_portal()
    wanted = read_filter(TEAM_LIST, search=search, sort=sort, status=status or "")
    records = [_record(team) for team in run_in_reading(_all_rows, wanted)]
    columns: dict[str, Cell] = {
        "Name": "name",
        "Cost centre": "cost_centre",
        "Status": "status",
        "Members": "members",
        "Tokens this month": "tokens",
        "Cost this month (EUR)": "cost_eur",
        "Budget %": "budget_percent",
    }
    show_list(records, columns, as_json=as_json)


@commands.command(
    epilog=answer("portal team show Research", fields=f"{_FIELDS}, managers (user names) and people (members)")
)
def show(name: TeamName, as_json: AsJson = False) -> None:
    """Show a team with its managers, and the members with most tokens this month."""
    view = run_in_reading(load_team, actor(), _open(name), utc_now())
    managers = [person.username for person in view.managers]
    if as_json:
        show_json(_record(view.item) | {"managers": managers, "people": _people(view)})
        return
    typer.echo(f"{view.item.name}, cost centre {view.item.cost_centre or '–'}, {view.item.status}.")
    typer.echo(f"Budget: {limits_sentence(view.item.limits)}.")
    typer.echo(f"Managers: {', '.join(managers) or 'none'}.")
    columns: dict[str, Cell] = {
        "Member": "username",
        "Display name": "display_name",
        "Tokens this month": "tokens",
        "Cost this month (EUR)": "cost_eur",
    }
    show_list(_people(view), columns, as_json=False)


@commands.command(epilog=example("portal team create Research --cost-centre K-4711 --monthly 20_000_000"))
def create(
    name: TeamName,
    cost_centre: Annotated[str, typer.Option(help="Text of up to 64 characters.")] = "",
    daily: Annotated[str, _TOKENS] = "none",
    monthly: Annotated[str, _TOKENS] = "none",
    total: Annotated[str, _TOKENS] = "none",
) -> None:
    """Create a team without members."""
    given = read_limits(daily, monthly, total)
    limits = Limits(given["daily"], given["monthly"], given["total"])
    open_portal()
    run_in_transaction(create_team, actor(), name, cost_centre, utc_now(), limits)
    typer.echo(f"Created the team {name}.")


@commands.command(epilog=example("portal team change Research --name 'Research and Teaching' --cost-centre K-4712"))
def change(
    team: TeamName,
    name: Annotated[str | None, typer.Option(help="New name.")] = None,
    cost_centre: Annotated[str | None, typer.Option(help="Text of up to 64 characters; '' removes it.")] = None,
) -> None:
    """Change the name or the cost centre of a team."""
    if name is None and cost_centre is None:
        raise typer.BadParameter("say what to change: --name or --cost-centre")
    number = _open(team)
    run_in_transaction(change_team, actor(), number, utc_now(), name=name, cost_centre=cost_centre)
    typer.echo(f"Changed the team {name or team}.")


@commands.command(epilog=example("portal team budget Research --monthly 20_000_000 --daily none"))
def budget(
    name: TeamName,
    daily: Annotated[str | None, _TOKENS] = None,
    monthly: Annotated[str | None, _TOKENS] = None,
    total: Annotated[str | None, _TOKENS] = None,
) -> None:
    """Set the limits that all members share. An omitted option stays as it is; `none` takes a limit away."""
    changes = read_limits(daily, monthly, total)
    if not changes:
        raise typer.BadParameter("say what to set: --daily, --monthly or --total")
    new = run_in_transaction(_change_budget, _open(name), changes)
    typer.echo(f"Budget of {name}: {limits_sentence(new)}.")


def _change_budget(session: Session, team_id: int, changes: dict[str, Any]) -> Limits:
    item = load_team(session, actor(), team_id, utc_now()).item
    before = {"daily": item.limits.daily, "monthly": item.limits.monthly, "total": item.limits.total}
    new = Limits(**(before | changes))
    set_team_budget(session, actor(), team_id, new, utc_now(), version=item.version)
    return new


@commands.command(epilog=example("portal team move alice Research", "portal team move alice none"))
def move(
    account: UserName,
    team: Annotated[str, typer.Argument(metavar="TEAM|none", help="Name of the team; none takes it out of its team.")],
) -> None:
    """Move an account into a team: its later usage counts there, its stored usage stays."""
    open_portal()
    team_id = None if team.lower() == "none" else run_in_reading(find_team, team)
    run_in_transaction(move_account, actor(), run_in_reading(find_account, account).id, team_id, utc_now())
    typer.echo(f"{account} is in no team." if team_id is None else f"{account} is in the team {team}.")


@commands.command(epilog=example("portal team manager Research alice", "portal team manager Research alice --remove"))
def manager(
    team: TeamName,
    account: UserName,
    remove: Annotated[bool, typer.Option("--remove", help="End that the account manages the team.")] = False,
) -> None:
    """Let an account manage a team: see its usage, and decide the budget requests of its members."""
    number = _open(team)
    person = run_in_reading(find_account, account)
    work = remove_manager if remove else add_manager
    run_in_transaction(work, actor(), number, person.id, utc_now())
    typer.echo(f"{account} {'does not manage' if remove else 'manages'} the team {team}.")


@commands.command(epilog=example("portal team suspend Research"))
def suspend(name: TeamName) -> None:
    """Refuse the requests of all members at once; the figures stay."""
    run_in_transaction(set_team_active, actor(), _open(name), False, utc_now())
    typer.echo(f"Suspended the team {name}.")


@commands.command(epilog=example("portal team activate Research"))
def activate(name: TeamName) -> None:
    """Let the members of a suspended team spend again."""
    run_in_transaction(set_team_active, actor(), _open(name), True, utc_now())
    typer.echo(f"Activated the team {name}.")


@commands.command(epilog=example("portal team delete Research", "portal team delete Research --yes"))
def delete(name: TeamName, yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False) -> None:
    """Delete a team that has neither members nor usage; `portal team suspend` is for all others."""
    number = _open(name)
    if not yes:
        if not can_ask():
            raise typer.BadParameter("there is no terminal to ask on; say --yes to delete without asking")
        typer.confirm(f"Delete the team {name}?", abort=True, err=True)
    run_in_transaction(delete_team, actor(), number, utc_now())
    typer.echo(f"Deleted the team {name}.")


def _open(name: str) -> int:
    open_portal()
    return run_in_reading(find_team, name)


def _all_rows(session: Session, wanted: ListFilter) -> list[TeamItem]:
    return list(load_team_rows(session, actor(), wanted, utc_now()))


def _record(team: TeamItem) -> dict[str, object]:
    return {
        "id": team.id,
        "name": team.name,
        "cost_centre": team.cost_centre,
        "status": team.status,
        "created_at": team.created_at,
        "members": team.members,
        "daily": team.limits.daily,
        "monthly": team.limits.monthly,
        "total": team.limits.total,
        "tokens": team.month.tokens,
        "requests": team.month.requests,
        "cost_eur": eur_text(team.month.cost_nano_eur),
        "unpriced": team.month.unpriced,
        "budget_period": team.period,
        "budget_percent": team.budget and team.budget.percent,
        "budget_level": team.budget and team.budget.level,
    }


def _people(view: TeamView) -> list[dict[str, object]]:
    return [
        {
            "username": member.username,
            "display_name": member.display_name,
            "active": member.active,
            "tokens": member.figures.tokens,
            "cost_eur": eur_text(member.figures.cost_nano_eur),
        }
        for member in view.members
    ]
