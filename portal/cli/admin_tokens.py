"""`portal admin-token`: tokens with which programs administer the portal."""

from typing import Annotated

import typer

from portal.actions.people.admin_tokens import create_admin_token, revoke_admin_token
from portal.cli.console import UserName, actor, example, note, open_account, open_portal, read_moment
from portal.cli.listing import AsJson, Cell, listing, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.errors import Conflict, NotFound
from portal.rules.people.admin_tokens import SCOPES
from portal.rules.periods import zone_or
from portal.settings import settings
from portal.views.people.admin_tokens import load_admin_tokens

_FIELDS = (
    *("prefix", "label", "username", "scopes", "status"),
    *("created_at", "expires_at", "last_used_at", "revoked_at"),
)

commands = typer.Typer(help="Admin tokens, with which programs administer the portal.", no_args_is_help=True)


@commands.command(
    epilog=example(
        "portal admin-token create root --label reporting --scope usage:read > token",
        "portal admin-token create root --label sync --scope accounts:write --scope teams:read --expires 2027-06-30",
    )
)
def create(
    name: UserName,
    label: Annotated[str, typer.Option(help="What the token is for, up to 100 characters.")],
    scope: Annotated[list[str], typer.Option(help=f"What it may do; may be repeated: {', '.join(SCOPES)}.")],
    expires: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="Last day on which it works, in the account's time zone, or an instant with an offset; "
            "default: it works until it is revoked.",
        ),
    ] = None,
) -> None:
    """Create an admin token of an administrator and print it, alone on stdout, for the only time.

    It works with /admin/api while the administrator is active; `write` includes `read`.
    """
    account = open_account(name)
    tz = zone_or(account.time_zone, settings().budget_zone)
    ends = read_moment(expires, "--expires", tz, end=True) if expires is not None else None
    new = run_in_transaction(create_admin_token, actor(), account.id, label, scope, ends, utc_now())
    typer.echo(new.secret)
    note(f"This is the admin token {new.label!r} of {account.username}. It is not shown again.")


@commands.command("list", epilog=listing("portal admin-token list", fields=", ".join(_FIELDS)))
def list_tokens(as_json: AsJson = False) -> None:
    """List all admin tokens, also those that have ended."""
    open_portal()
    tokens = run_in_reading(load_admin_tokens, utc_now())
    records = [{field: getattr(token, field) for field in _FIELDS} for token in tokens]
    columns: dict[str, Cell] = {
        "Token prefix": "prefix",
        "Label": "label",
        "Administrator": "username",
        "Scopes": lambda record: " ".join(map(str, record["scopes"])),  # type: ignore[call-overload]  # a tuple of texts
        "Status": "status",
        "Expires": "expires_at",
        "Last used": "last_used_at",
    }
    show_list(records, columns, as_json=as_json)


@commands.command(epilog=example("portal admin-token revoke moe-ad-58e0fa3d1"))
def revoke(
    prefix: Annotated[
        str, typer.Argument(metavar="PREFIX", help="How the token begins; `portal admin-token list` shows it.")
    ],
) -> None:
    """Revoke an admin token at once and for ever."""
    open_portal()
    start, now = prefix.strip(), utc_now()
    matching = [token for token in run_in_reading(load_admin_tokens, now) if start and token.prefix.startswith(start)]
    if not matching:
        raise NotFound("No admin token begins with that; the prefix is the first 16 characters.")
    if len(matching) > 1:
        raise Conflict(f"Several admin tokens begin with that: {', '.join(token.prefix for token in matching)}.")
    ended = run_in_transaction(revoke_admin_token, actor(), matching[0].id, now)
    typer.echo(f"Revoked the admin token {ended.label!r} ({ended.prefix}).")
