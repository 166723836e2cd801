"""`portal user`: accounts of the people who sign in."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from portal.actions.people.accounts import (
    edit_account,
    hash_new_password,
    set_active,
    set_password,
)
from portal.actions.people.deletion import delete_account
from portal.actions.people.new_accounts import check_new_account, create_account
from portal.cli.admin.many_accounts import commands as many_accounts
from portal.cli.admin.one_account import commands as one_account
from portal.cli.console import UserName, actor, can_ask, example, open_account, open_portal, read_password
from portal.cli.listing import AsJson, Cell, Search, Sort, listing, read_filter, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.rules.lists import ListFilter
from portal.rules.people.account_list import ACCOUNT_LIST, EVERY_STATUS, NO_TEAM, AccountStatus
from portal.rules.people.accounts import Role
from portal.rules.spending.pricing import eur_text
from portal.views.people.account_list import AccountItem, load_account_rows

commands = typer.Typer(help="Accounts of the people who sign in.", no_args_is_help=True)
commands.add_typer(many_accounts)
commands.add_typer(one_account)

PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin instead of asking.")
]


@commands.command(
    epilog=example(
        "portal user create alice --email alice@example.org --role user",
        "portal user create bob --email bob@example.org --role admin --password-stdin < password.txt",
    )
)
def create(
    name: UserName,
    email: Annotated[str, typer.Option(help="Address for alerts and password resets.")],
    role: Annotated[Role, typer.Option(help="What the account may do.")] = Role.USER,
    password_stdin: PasswordStdin = False,
    display_name: Annotated[str | None, typer.Option(help="Name shown on pages; default: the user name.")] = None,
) -> None:
    """Create an account."""
    open_portal()
    run_in_reading(check_new_account, name, email, display_name)  # check before asking for a password
    password_hash = hash_new_password(read_password(from_stdin=password_stdin), name)
    run_in_transaction(create_account, actor(), name, email, role, password_hash, utc_now(), display_name)
    typer.echo(f"Created the account {name} ({role}).")


@commands.command(epilog=example("portal user password alice", "portal user password alice --password-stdin < new.txt"))
def password(name: UserName, password_stdin: PasswordStdin = False) -> None:
    """Set an account's password, which signs it out everywhere."""
    account = open_account(name)
    password_hash = hash_new_password(read_password(from_stdin=password_stdin), account.username)
    run_in_transaction(set_password, actor(), account.id, password_hash, utc_now())
    typer.echo(f"Set the password of {account.username} and ended its sessions.")


@commands.command(
    "list",
    epilog=listing(
        "portal user list",
        "portal user list --role admin --status active --sort=-cost --json",
        fields="id, username, display_name, email, role, team, active, deleted, time_zone, created_at, signed_in_at, "
        "tokens, cost_eur, unpriced, budget_period, budget_percent, budget_level",
    ),
)
def list_accounts(
    search: Search = "",
    role: Annotated[Role | None, typer.Option(help="Only accounts with this role.")] = None,
    team: Annotated[str, typer.Option(help=f"Only accounts of this team; {NO_TEAM} for those without one.")] = "",
    status: Annotated[
        str, typer.Option(help=f"Only {', '.join(AccountStatus)} accounts; or {EVERY_STATUS}.")
    ] = EVERY_STATUS,
    sort: Sort = "",
    as_json: AsJson = False,
) -> None:
    """List accounts with their usage of this month and their fullest budget."""
    open_portal()
    wanted = read_filter(ACCOUNT_LIST, search=search, sort=sort, role=role or "", team=team, status=status)
    records = [
        {
            "id": account.id,
            "username": account.username,
            "display_name": account.display_name,
            "email": account.email or None,
            "role": account.role,
            "team": account.team,
            "active": account.status is AccountStatus.ACTIVE,
            "deleted": account.status is AccountStatus.DELETED,
            "time_zone": account.time_zone,
            "created_at": account.created_at,
            "signed_in_at": account.signed_in_at,
            "tokens": account.month.tokens,
            "cost_eur": eur_text(account.month.cost_nano_eur),
            "unpriced": account.month.unpriced,
            "budget_period": account.period,
            "budget_percent": account.budget and account.budget.percent,
            "budget_level": account.budget and account.budget.level,
        }
        for account in run_in_reading(_all_rows, wanted)
    ]
    columns: dict[str, Cell] = {
        "Name": "username",
        "Display name": "display_name",
        "Email": lambda record: record["email"] or "",
        "Role": "role",
        "Team": lambda record: record["team"] or "",
        "Status": _status,
        "Tokens this month": "tokens",
        "Cost this month (EUR)": "cost_eur",
        "Budget %": "budget_percent",
        "Last sign-in": "signed_in_at",
        "Created": "created_at",
    }
    show_list(records, columns, as_json=as_json)


def _all_rows(session: Session, wanted: ListFilter) -> list[AccountItem]:
    return list(load_account_rows(session, actor(), wanted, utc_now()))


def _status(record: Mapping[str, Any]) -> str:
    if record["deleted"]:
        return "deleted"
    return "active" if record["active"] else "suspended"


@commands.command(epilog=example("portal user suspend alice"))
def suspend(name: UserName) -> None:
    """Keep an account out at once: its sessions end, its API keys stop working, its figures stay."""
    account = open_account(name)
    run_in_transaction(set_active, actor(), account.id, False, utc_now())
    typer.echo(f"Suspended {name}.")


@commands.command(epilog=example("portal user activate alice"))
def activate(name: UserName) -> None:
    """Let a suspended account in again."""
    account = open_account(name)
    run_in_transaction(set_active, actor(), account.id, True, utc_now())
    typer.echo(f"Activated {name}.")


@commands.command(
    epilog=example("portal user edit alice --role admin", "portal user edit alice --email alice@example.com")
)
def edit(
    name: UserName,
    role: Annotated[Role | None, typer.Option(help="What the account may do; another role ends its sessions.")] = None,
    email: Annotated[
        str | None,
        typer.Option(help="Address for alerts and password resets; '' removes it. The old address gets a mail."),
    ] = None,
    display_name: Annotated[str | None, typer.Option("--name", help="Name shown on pages.")] = None,
) -> None:
    """Change an account's role, email address or display name."""
    if role is None and email is None and display_name is None:
        raise typer.BadParameter("say what to change: --role, --email or --name")
    account = open_account(name)
    new = run_in_transaction(
        edit_account, actor(), account.id, utc_now(), role=role, email=email, display_name=display_name
    )
    typer.echo(f"{new.username}: {new.display_name}, {new.email or 'no email address'}, {new.role}.")


@commands.command(epilog=example("portal user delete alice", "portal user delete alice --yes"))
def delete(name: UserName, yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False) -> None:
    """Delete an account for ever: the person is erased, the usage stays under another name.

    Sessions and API keys end. Name, email address, notes and mails are erased. Requests and sums are kept under
    deleted-NUMBER, also what its keys used and is reported later. `portal user suspend` can be undone, this cannot.
    Imports do not create the account again, but a new one may have its name.
    """
    found = open_account(name)
    if not yes:
        if not can_ask():
            raise typer.BadParameter("there is no terminal to ask on; say --yes to delete without asking")
        question = f"Delete {found.username} ({found.display_name}, {found.email or 'no email address'}) for ever?"
        typer.confirm(question, abort=True, err=True)
    remains = run_in_transaction(delete_account, actor(), found.id, utc_now())
    typer.echo(f"Deleted {found.username}. Its usage stays under {remains}.")
