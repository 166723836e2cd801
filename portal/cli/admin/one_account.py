"""`portal user show`, `sign-out`, `unlock` and `password-link`: what administrators do for one person."""

from typing import Annotated

import typer

from portal.actions.people.password_resets import mail_password_link, make_password_link
from portal.actions.people.sessions import end_one_session, sign_out_everywhere, unlock_sign_in
from portal.cli.console import UserName, actor, example, note, open_account, shown
from portal.cli.listing import AsJson, Cell, answer, show_json, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.rules.text import counted
from portal.settings import settings
from portal.views.people.account import load_account, load_sessions

commands = typer.Typer()

_SHOWN = (
    *("id", "username", "display_name", "email", "role", "status", "team", "time_zone", "language", "created_at"),
    *("signed_in_at", "deleted_at", "locked_until"),
)


@commands.command(
    epilog=answer(
        "portal user show alice",
        fields="id, username, display_name, email, role, status, team, time_zone, language, created_at, signed_in_at, "
        "deleted_at, locked_until, and sessions (id, user_agent, address, created_at, last_seen_at)",
    )
)
def show(name: UserName, as_json: AsJson = False) -> None:
    """Show an account with its running sessions; `portal budget show` has its budgets."""
    account, now = open_account(name), utc_now()
    found = run_in_reading(load_account, actor(), account.id, now)
    sessions = [
        {name: getattr(each, name) for name in ("id", "user_agent", "address", "created_at", "last_seen_at")}
        for each in run_in_reading(load_sessions, actor(), account.id, now)
    ]
    if as_json:
        record = {name: getattr(found, name) for name in _SHOWN}
        show_json(record | {"email": found.email or None, "sessions": sessions})
        return
    typer.echo(f"{found.username}: {found.display_name}, {found.email or 'no email address'}, {found.role}.")
    typer.echo(f"{found.status.capitalize()}, team {found.team or '–'}, created {shown(found.created_at)}.")
    if found.locked_until is not None:
        typer.echo(f"Sign-in is refused until {shown(found.locked_until)} because of wrong passwords.")
    columns: dict[str, Cell] = {
        "Session": "id",
        "Browser": "user_agent",
        "Address": "address",
        "Signed in": "created_at",
        "Last used": "last_seen_at",
    }
    show_list(sessions, columns, as_json=False)


@commands.command("sign-out", epilog=example("portal user sign-out alice", "portal user sign-out alice --session 12"))
def sign_out(
    name: UserName,
    session: Annotated[
        int | None, typer.Option(help="Number of one session, of `portal user show`; omitted: all sessions end.")
    ] = None,
) -> None:
    """End the sessions of an account; its API keys keep working."""
    account = open_account(name)
    if session is not None:
        run_in_transaction(end_one_session, actor(), account.id, session, utc_now())
        typer.echo(f"Ended a session of {name}.")
        return
    ended = run_in_transaction(sign_out_everywhere, actor(), account.id, utc_now())
    typer.echo(f"Ended {counted(ended, 'session')} of {name}.")


@commands.command(epilog=example("portal user unlock alice"))
def unlock(name: UserName) -> None:
    """Let a person try again at once who has typed too many wrong passwords."""
    run_in_transaction(unlock_sign_in, actor(), open_account(name).id, utc_now())
    typer.echo(f"{name} may sign in again.")


@commands.command(
    "password-link", epilog=example("portal user password-link alice", "portal user password-link alice --mail")
)
def password_link(
    name: UserName,
    mail: Annotated[bool, typer.Option("--mail", help="Send the link to the person instead of printing it.")] = False,
) -> None:
    """Print a link with which a person sets a password, alone on stdout; the present password works until then."""
    account, now = open_account(name), utc_now()
    if mail:
        address = run_in_transaction(mail_password_link, actor(), account.id, now)
        typer.echo(f"Sent a link to {address}.")
        return
    link = run_in_transaction(make_password_link, actor(), account.id, now)
    typer.echo(f"{(settings().base_url or '').rstrip('/')}{link.path}")
    note(f"Whoever opens the link before {shown(link.expires_at)} sets the password of {name}.")
