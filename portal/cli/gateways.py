"""`portal gateway`: programs that serve LLM requests and report usage here."""

from datetime import datetime
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from portal.actions.gateways import create_gateway, revoke_gateway_tokens, rotate_gateway_token
from portal.cli.console import actor, example, note, open_portal
from portal.cli.listing import AsJson, Cell, Record, listing, show_list
from portal.clock import utc_now
from portal.db.gateways import all_gateways, tokens_of
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.errors import NotFound
from portal.rules.text import counted

commands = typer.Typer(help="Gateways, and the tokens with which they report usage.", no_args_is_help=True)

GatewayName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the gateway.")]


@commands.command(epilog=example("portal gateway create moe-sovereign > gateway-token"))
def create(
    name: GatewayName,
    mode: Annotated[str, typer.Option(help="The mode of requests of which the gateway does not name one.")] = "native",
) -> None:
    """Create a gateway and print its first token, alone on stdout, for the only time."""
    open_portal()
    secret = run_in_transaction(create_gateway, actor(), name, utc_now(), mode)
    typer.echo(secret)
    note(f"This is the token of {name}. It is not shown again.")


@commands.command(epilog=example("portal gateway token moe-sovereign > gateway-token"))
def token(name: GatewayName) -> None:
    """Print one more token of a gateway; the older ones work until they are revoked."""
    open_portal()
    secret = run_in_transaction(rotate_gateway_token, actor(), name, utc_now())
    typer.echo(secret)
    note(f"This is a token of {name}. It is not shown again; the older ones still work.")


@commands.command(
    "list",
    epilog=listing("portal gateway list", fields="gateway, mode, token_prefix, status, created_at, revoked_at"),
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
    }
    show_list(run_in_reading(_tokens), columns, as_json=as_json)


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
    revoked = run_in_transaction(_revoke, name, prefix, utc_now())
    typer.echo(f"Revoked {counted(revoked, 'token')} of {name}.")


def _tokens(session: Session) -> list[Record]:
    return [
        {
            "gateway": gateway.name,
            "mode": gateway.mode,
            "token_prefix": token.prefix,
            "status": "active" if token.revoked_at is None else "revoked",
            "created_at": token.created_at,
            "revoked_at": token.revoked_at,
        }
        for gateway in all_gateways(session)
        for token in tokens_of(session, gateway.id)
    ]


def _revoke(session: Session, name: str, prefix: str | None, now: datetime) -> int:
    revoked = revoke_gateway_tokens(session, actor(), name, prefix, now)
    if not revoked:
        which = "token" if prefix is None else f"token {prefix[:16]}"
        raise NotFound(f"{name} has no {which} that could be revoked.")
    return revoked
