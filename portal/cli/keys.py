"""`portal key`: the API keys of an account."""

from dataclasses import asdict
from typing import Annotated

import typer

from portal.actions.people.keys import create_key, revoke_key
from portal.actions.spending.budgets import change_key_budget
from portal.cli.console import UserName, actor, example, note, open_account, read_limits, read_moment, shown_tokens
from portal.cli.listing import AsJson, Cell, listing, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.errors import Conflict, NotFound
from portal.rules.periods import Period, zone_or
from portal.settings import settings
from portal.views.people.accounts import AccountView
from portal.views.people.keys import KeyView, load_keys
from portal.words.labels import level_label

_FIELDS = ("prefix", "label", "status", "created_at", "expires_at", "last_used_at", "revoked_at")
_JSON = (
    "budget: null, or an object with daily, monthly, total: objects with consumed, limit (null: none), remaining, "
    "percent, level, resets_at; level: that of the fullest budget in words"
)
KeyPrefix = Annotated[str, typer.Argument(metavar="PREFIX", help="How the key begins; `portal key list` shows it.")]

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
    epilog=listing("portal key list alice", fields=", ".join((*_FIELDS, _JSON))),
)
def list_keys(name: UserName, as_json: AsJson = False) -> None:
    """List an account's API keys, also those that have ended."""
    account = open_account(name)
    records = [
        {field: getattr(key, field) for field in _FIELDS}
        | {"budget": None if key.budget is None else asdict(key.budget), "level": _level(key)}
        for key in run_in_reading(load_keys, account.id, utc_now()).keys
    ]
    columns: dict[str, Cell] = {
        "Key prefix": "prefix",
        "Label": "label",
        "Status": "status",
        "Created": "created_at",
        "Expires": "expires_at",
        "Last used": "last_used_at",
        "Budget": "level",
    }
    show_list(records, columns, as_json=as_json)


@commands.command(epilog=example("portal key revoke alice moe-sk-58e0fa3d1"))
def revoke(
    name: UserName,
    prefix: KeyPrefix,
) -> None:
    """End an API key at once and for ever; its past usage stays."""
    account = open_account(name)
    ended = run_in_transaction(revoke_key, actor(), account.id, _key_of(account, prefix).id, utc_now())
    typer.echo(f"Revoked the key {ended.label!r} ({ended.prefix}) of {name}.")


@commands.command(
    epilog=example(
        "portal key budget alice moe-sk-58e0fa3d1 --daily 100_000",
        "portal key budget alice moe-sk-58e0fa3d1 --daily none",
    )
)
def budget(
    name: UserName,
    prefix: KeyPrefix,
    daily: Annotated[str | None, typer.Option(metavar="N|none", help="Billable tokens a day.")] = None,
    monthly: Annotated[str | None, typer.Option(metavar="N|none", help="Billable tokens a month.")] = None,
    total: Annotated[str | None, typer.Option(metavar="N|none", help="Billable tokens altogether.")] = None,
) -> None:
    """Set the limits of one API key. An omitted option stays as it is; `none` takes a limit away, 0 allows nothing."""
    changes = read_limits(daily, monthly, total)
    if not changes:
        raise typer.BadParameter("say what to set: --daily, --monthly or --total")
    account = open_account(name)
    key = _key_of(account, prefix)
    new = run_in_transaction(change_key_budget, actor(), account.id, key.id, changes, utc_now())
    limits = ", ".join(f"{period} {shown_tokens(new.set_for(period))}" for period in Period)
    typer.echo(f"Budget of the key {key.label!r} ({key.prefix}) of {name}: {limits}.")


def _level(key: KeyView) -> str | None:
    """Return the level of the fullest budget of a key, with its percentage."""
    if key.budget is None:
        return None
    _period, fullest = key.budget.fullest()
    return f"{level_label(fullest)}, {fullest.percent} %"


def _key_of(account: AccountView, prefix: str) -> KeyView:
    """Return the only key of an account that begins with a prefix."""
    start, keys = prefix.strip(), run_in_reading(load_keys, account.id, utc_now()).keys
    matching = [key for key in keys if start and key.prefix.startswith(start)]
    if not matching:
        raise NotFound(f"No key of {account.username} begins with that; the key prefix is the first 16 characters.")
    if len(matching) > 1:
        found = ", ".join(key.prefix for key in matching)
        raise Conflict(f"Several keys of {account.username} begin with that: {found}.")
    return matching[0]
