"""`portal import moe-sovereign` and `portal follow moe-sovereign`: what a MoE Sovereign's own database knows."""

import typer

from portal.cli.console import example

commands = typer.Typer()
follow = typer.Typer(help="Keep importing what another system adds.", no_args_is_help=True)


@commands.command(
    "moe-sovereign", epilog=example("portal import moe-sovereign postgresql://reader@db.example.org/moe_userdb")
)
def import_moe_sovereign() -> None:
    """Bring accounts, keys, budgets, expert templates, usage and notes."""


@follow.command(
    "moe-sovereign", epilog=example("portal follow moe-sovereign postgresql://reader@db.example.org/moe_userdb")
)
def follow_moe_sovereign() -> None:
    """Keep bringing new usage."""
