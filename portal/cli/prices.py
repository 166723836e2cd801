"""`portal price`: what a billable token costs, from when on."""

from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from portal.actions.administration import enter_price
from portal.cli.console import actor, example, open_portal, read_moment, show_table, shown
from portal.clock import utc_now
from portal.db.prices import price_book
from portal.db.session import run_in_reading, run_in_transaction
from portal.rules.pricing import price_at
from portal.settings import settings

commands = typer.Typer(help="The price book: EUR per billable token, by date.", no_args_is_help=True)


@commands.command("set", epilog=example("portal price set 0.00003 --from 2026-12-01"))
def set_price(
    eur: Annotated[str, typer.Argument(metavar="EUR", help="EUR per billable token, such as 0.00003.")],
    begins: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DATE",
            help="First day of the price (from midnight in the budget time zone), or an instant with an offset; "
            "default: now.",
        ),
    ] = None,
) -> None:
    """Enter a price. It applies to requests from then on; costs that are stored never change."""
    open_portal()
    try:
        price = Decimal(eur)
    except InvalidOperation:
        raise typer.BadParameter("a price is a decimal number, such as 0.00003", param_hint="EUR") from None
    now = utc_now()
    valid_from = now if begins is None else read_moment(begins, "--from", settings().budget_zone)
    run_in_transaction(enter_price, actor(), price, valid_from, now)
    typer.echo(f"{price:f} EUR per billable token from {shown(valid_from)} on.")


@commands.command("list", epilog=example("portal price list"))
def list_prices() -> None:
    """List all prices, the oldest first."""
    open_portal()
    book = run_in_reading(price_book)
    current = price_at(book, utc_now())
    rows = [
        (
            "since ever" if price.valid_from is None else shown(price.valid_from),
            f"{price.eur_per_token:f}",
            "in force" if price == current else "–",
        )
        for price in book
    ]
    show_table(("From", "EUR per token", "Now"), rows)
