"""`portal gateway`: programs that serve LLM requests and report usage here."""

from typing import Annotated

import typer
from sqlalchemy.orm import Session

from portal.actions.metering.gateways import create_gateway, create_gateway_token, revoke_gateway_tokens
from portal.cli.console import actor, example, note, open_portal
from portal.cli.listing import AsJson, Cell, listing, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.errors import NotFound
from portal.rules.text import counted
from portal.views.metering.gateways import GatewayRow, GatewayTokens, find_gateway, load_gateway_tokens, load_gateways

commands = typer.Typer(help="Gateways, and the tokens with which they report usage.", no_args_is_help=True)

GatewayName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the gateway.")]


@commands.command(epilog=example("portal gateway create moe-sovereign > gateway-token"))
def create(
    name: GatewayName,
    mode: Annotated[str, typer.Option(help="The mode of requests of which the gateway does not name one.")] = "native",
) -> None:
    """Create a gateway and print its first token, alone on stdout, for the only time."""
    open_portal()
    typer.echo(run_in_transaction(create_gateway, actor(), name, utc_now(), mode).token)
    note(f"This is the token of {name}. It is not shown again.")


@commands.command(epilog=example("portal gateway token moe-sovereign > gateway-token"))
def token(name: GatewayName) -> None:
    """Print one more token of a gateway; the older ones work until they are revoked."""
    open_portal()
    gateway = run_in_reading(find_gateway, name)
    typer.echo(run_in_transaction(create_gateway_token, actor(), gateway.id, utc_now()))
    note(f"This is a token of {name}. It is not shown again; the older ones still work.")


@commands.command(
    "list",
    epilog=listing(
        "portal gateway list",
        fields=(
            "gateway, mode, token_prefix, status, created_at, revoked_at, reported_at, events_per_minute, "
            "lag_seconds (of the newest event of the last 15 minutes)"
        ),
    ),
)
def list_gateways(as_json: AsJson = False) -> None:
    """List all gateways with their tokens, also the revoked ones."""
    open_portal()
    columns: dict[str, Cell] = {
        "Name": "gateway",
        "Mode": "mode",
        "Token prefix": "token_prefix",
        "Status": "status",
        "Created": "created_at",
        "Revoked": "revoked_at",
        "Last report": "reported_at",
        "Events/min": "events_per_minute",
    }
    gateways, rows = run_in_reading(_gateways)
    records = [
        {
            "gateway": gateway.name,
            "mode": gateway.mode,
            "token_prefix": token.prefix,
            "status": "active" if token.revoked_at is None else "revoked",
            "created_at": token.created_at,
            "revoked_at": token.revoked_at,
            **_pace(rows[gateway.id]),
        }
        for gateway in gateways
        for token in gateway.tokens
    ]
    show_list(records, columns, as_json=as_json)


def _gateways(session: Session) -> tuple[tuple[GatewayTokens, ...], dict[int, GatewayRow]]:
    """Return all gateways with their tokens, and their rows by id."""
    return load_gateway_tokens(session), {row.id: row for row in load_gateways(session, actor(), utc_now())}


def _pace(row: GatewayRow) -> dict[str, object]:
    lag = row.pace.lag
    return {
        "reported_at": row.reported_at,
        "events_per_minute": f"{row.pace.per_minute}",
        "lag_seconds": None if lag is None else lag.total_seconds(),
    }


@commands.command(epilog=example("portal gateway revoke moe-sovereign --prefix moe-gw-58e0fa3d1"))
def revoke(
    name: GatewayName,
    prefix: Annotated[
        str | None,
        typer.Option(help="The 16 characters of one token's prefix; omitted: all tokens of the gateway are revoked."),
    ] = None,
) -> None:
    """Revoke a gateway's tokens at once and for ever; what it has reported stays."""
    open_portal()
    gateway = run_in_reading(find_gateway, name)
    revoked = run_in_transaction(revoke_gateway_tokens, actor(), gateway.id, utc_now(), prefix=prefix)
    if not revoked:
        which = "token" if prefix is None else f"token {prefix[:16]}"
        raise NotFound(f"{name} has no {which} that could be revoked.")
    typer.echo(f"Revoked {counted(revoked, 'token')} of {name}.")
