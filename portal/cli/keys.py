"""`portal key`: the API keys of an account."""

from typing import Annotated

import typer

from portal.actions.people.keys import create_key, revoke_key
from portal.cli.console import UserName, actor, example, note, open_account, read_moment
from portal.cli.listing import AsJson, Cell, listing, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.errors import Conflict, NotFound
from portal.rules.periods import zone_or
from portal.settings import settings
from portal.views.people.keys import load_keys

_FIELDS = ("prefix", "label", "status", "created_at", "expires_at", "last_used_at", "revoked_at")

commands = typer.Typer(help="API keys, with which a person's programs reach the gateways.", no_args_is_help=True)


@commands.command(epilog=example("portal key create alice --label laptop --expires 2027-06-30"))
def create(
    name: UserName,
    label: Annotated[str, typer.Option(help="What the key is for, up to 100 characters.")],
    expires: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="Last day on which it works, in the account's time zone, or an instant with an offset; "
            "default: it works until it is revoked.",
        ),
    ] = None,
) -> None:
    """Create an API key and print it, alone on stdout, for the only time."""
    account = open_account(name)
    tz = zone_or(account.time_zone, settings().budget_zone)
    ends = read_moment(expires, "--expires", tz, end=True) if expires is not None else None
    new = run_in_transaction(create_key, actor(), account.id, label, ends, utc_now())
    typer.echo(new.secret)
    note(f"This is the key {new.label!r} of {name}. It is not shown again.")


@commands.command(
    "list",
    epilog=listing("portal key list alice", fields=", ".join(_FIELDS)),
)
def list_keys(name: UserName, as_json: AsJson = False) -> None:
    """List an account's API keys, also those that have ended."""
    account = open_account(name)
    records = [
        {field: getattr(key, field) for field in _FIELDS}
        for key in run_in_reading(load_keys, account.id, utc_now()).keys
    ]
    columns: dict[str, Cell] = {
        "Key prefix": "prefix",
        "Label": "label",
        "Status": "status",
        "Created": "created_at",
        "Expires": "expires_at",
        "Last used": "last_used_at",
    }
    show_list(records, columns, as_json=as_json)


@commands.command(epilog=example("portal key revoke alice moe-sk-58e0fa3d1"))
def revoke(
    name: UserName,
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="How the key begins; `portal key list` shows it.")],
) -> None:
    """End an API key at once and for ever; its past usage stays."""
    account, start = open_account(name), prefix.strip()
    keys = run_in_reading(load_keys, account.id, utc_now()).keys
    matching = [key for key in keys if start and key.prefix.startswith(start)]
    if not matching:
        raise NotFound(f"No key of {name} begins with that; the key prefix is the first 16 characters.")
    if len(matching) > 1:
        raise Conflict(f"Several keys of {name} begin with that: {', '.join(key.prefix for key in matching)}.")
    ended = run_in_transaction(revoke_key, actor(), account.id, matching[0].id, utc_now())
    typer.echo(f"Revoked the key {ended.label!r} ({ended.prefix}) of {name}.")
