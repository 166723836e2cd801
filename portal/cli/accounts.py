"""`portal user`: accounts of the people who sign in."""

from typing import Annotated

import typer

from portal.actions.accounts import Role, create_account, hash_new_password, set_active, set_password
from portal.cli.console import UserName, actor, example, open_portal, owner, read_password, show_table, shown
from portal.clock import utc_now
from portal.db.accounts import all_accounts
from portal.db.session import run_in_reading, run_in_transaction

commands = typer.Typer(help="Accounts of the people who sign in.", no_args_is_help=True)

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
    password_hash = hash_new_password(read_password(from_stdin=password_stdin), name)
    run_in_transaction(create_account, actor(), name, email, role, password_hash, utc_now(), display_name)
    typer.echo(f"Created the account {name} ({role}).")


@commands.command(epilog=example("portal user password alice", "portal user password alice --password-stdin < new.txt"))
def password(name: UserName, password_stdin: PasswordStdin = False) -> None:
    """Set an account's password, which signs it out everywhere."""
    open_portal()
    username = run_in_reading(owner, name).username
    password_hash = hash_new_password(read_password(from_stdin=password_stdin), username)
    run_in_transaction(set_password, actor(), username, password_hash, utc_now())
    typer.echo(f"Set the password of {username} and ended its sessions.")


@commands.command("list", epilog=example("portal user list"))
def list_accounts() -> None:
    """List all accounts."""
    open_portal()
    rows = [
        (a.username, a.display_name, a.email, a.role, "active" if a.active else "suspended", shown(a.created_at))
        for a in run_in_reading(all_accounts)
    ]
    show_table(("Name", "Display name", "Email", "Role", "Status", "Created"), rows)


@commands.command(epilog=example("portal user suspend alice"))
def suspend(name: UserName) -> None:
    """Keep an account out at once: its sessions end, its API keys stop working, its figures stay."""
    open_portal()
    run_in_transaction(set_active, actor(), name, False, utc_now())
    typer.echo(f"Suspended {name}.")


@commands.command(epilog=example("portal user activate alice"))
def activate(name: UserName) -> None:
    """Let a suspended account in again."""
    open_portal()
    run_in_transaction(set_active, actor(), name, True, utc_now())
    typer.echo(f"Activated {name}.")
