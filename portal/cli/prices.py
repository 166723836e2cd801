"""`portal price`: the price book."""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

from portal.actions.spending.prices import enter_model_price, enter_price, remove_price, repair_costs
from portal.cli.console import actor, can_ask, example, note, open_portal, progress, read_moment, show_table, shown
from portal.cli.listing import AsJson, Cell, answer, listing, show_json, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.rules.periods import InvalidMonth, parse_month
from portal.rules.spending.prices import Rates
from portal.rules.spending.pricing import eur_text
from portal.rules.text import counted
from portal.settings import settings
from portal.views.spending.prices import PreviewView, load_preview, load_prices

commands = typer.Typer(help="The price book: EUR per billable token, by date.", no_args_is_help=True)


@commands.command(
    "set",
    epilog=example(
        "portal price set 0.00003 --from 2026-12-01",
        "portal price set --model 'gpt-4o*' --prompt 2.30 --completion 9.20 --cached 1.15",
    ),
)
def set_price(
    eur: Annotated[
        str | None, typer.Argument(metavar="EUR", help="EUR per billable token, such as 0.00003; not with --model.")
    ] = None,
    begins: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DATE",
            help="First day of the price (from midnight in the budget time zone), or an instant with an offset; "
            "default: now.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; a price of 0 needs it without a terminal.")] = False,
    model: Annotated[
        str | None,
        typer.Option(metavar="PATTERN", help="For these models only: an exact name, or a pattern with * and ?."),
    ] = None,
    prompt: Annotated[str | None, typer.Option(metavar="EUR", help="EUR per million prompt tokens.")] = None,
    completion: Annotated[str | None, typer.Option(metavar="EUR", help="EUR per million completion tokens.")] = None,
    cached: Annotated[
        str | None, typer.Option(metavar="EUR", help="EUR per million cached prompt tokens; default: as --prompt.")
    ] = None,
) -> None:
    """Enter a price. It applies to requests from then on; costs that are stored never change."""
    open_portal()
    now = utc_now().replace(microsecond=0)  # without a fraction, so that it can be typed
    valid_from = now if begins is None else read_moment(begins, "--from", settings().budget_zone)
    if model is not None:
        if eur is not None or prompt is None or completion is None:
            raise typer.BadParameter(
                "a price of models needs --prompt and --completion, and no EUR", param_hint="--model"
            )
        rates = Rates(_price(prompt), _price(completion), _price(prompt if cached is None else cached))
        _confirm(min(rates.prompt, rates.completion, rates.cached), valid_from, now, yes=yes)
        run_in_transaction(enter_model_price, actor(), model, rates, valid_from, now)
        amounts = f"{rates.prompt:f} / {rates.completion:f} / {rates.cached:f} EUR"
        typer.echo(f"{model}: {amounts} per million prompt / completion / cached tokens from {shown(valid_from)} on.")
        return
    if eur is None or prompt or completion or cached:
        raise typer.BadParameter("write EUR per billable token, or a price of models with --model", param_hint="EUR")
    price = _price(eur)
    _confirm(price, valid_from, now, yes=yes)
    run_in_transaction(enter_price, actor(), price, valid_from, now)
    typer.echo(f"{price:f} EUR per billable token from {shown(valid_from)} on.")


@commands.command(
    "list",
    epilog=listing(
        "portal price list",
        fields="valid_from (null: since ever), eur_per_token, in_force, "
        "model (null: general), prompt, completion, cached (EUR per million tokens), source",
    ),
)
def list_prices(as_json: AsJson = False) -> None:
    """List all prices, the oldest first."""
    open_portal()
    records = [asdict(price) for price in run_in_reading(load_prices, utc_now()).prices]
    columns: dict[str, Cell] = {
        "From": lambda record: _begin_text(record["valid_from"]),
        "EUR per token": "eur_per_token",
        "Model": "model",
        "Prompt": "prompt",
        "Completion": "completion",
        "Cached": "cached",
        "Now": lambda record: "in force" if record["in_force"] else "–",
    }
    show_list(records, columns, as_json=as_json)


def _begin_text(valid_from: Any) -> str:
    """Return the start of a price in the form that `portal price remove` accepts."""
    return "since-ever" if valid_from is None else str(valid_from.isoformat().replace("+00:00", "Z"))


@commands.command(epilog=example("portal price remove 2026-12-01", "portal price remove since-ever"))
def remove(
    begins: Annotated[
        str,
        typer.Argument(metavar="DATE", help="When the price begins, as it was given to `set`, or `since-ever`."),
    ],
    model: Annotated[
        str | None, typer.Option(metavar="PATTERN", help="Of these models, as it was given to `set`.")
    ] = None,
) -> None:
    """Take a price out of the book. Costs that are stored never change.

    Where no price is in force, requests are stored without a cost, and Billing says so, until `portal price repair`.
    """
    open_portal()
    valid_from = None if begins == "since-ever" else read_moment(begins, "DATE", settings().budget_zone)
    run_in_transaction(remove_price, actor(), valid_from, utc_now(), pattern=model)
    typer.echo(f"Removed the price that began {'since ever' if valid_from is None else shown(valid_from)}.")


@commands.command(epilog=example("portal price repair"))
def repair() -> None:
    """Give requests that were stored without a cost the price of their own time, where there is one by now.

    The portal may be running. The exit status is 1 when some are left for which no price is in force.
    """
    open_portal()
    repaired = left = 0
    last = None
    with progress("Repairing", run_in_reading(load_prices, utc_now()).unpriced) as advance:
        while True:
            batch = run_in_transaction(repair_costs, actor(), last, settings().budget_zone, utc_now())
            repaired, left, last = repaired + batch.repaired, left + batch.left, batch.last
            advance(batch.repaired + batch.left)
            if last is None:
                break
    typer.echo(f"Priced {counted(repaired, 'request')}.")
    if left:
        note(f"For {left:,} more there is still no price in force; `portal price list` shows the book.")
        raise typer.Exit(1)


@commands.command(
    epilog=answer(
        "portal price preview 0.00003",
        "portal price preview 0.00003 --month 2026-10",
        fields="month, eur_per_token, accounts and total: objects with username, tokens, cost_eur, unpriced_requests, "
        "would_cost_eur",
    )
)
def preview(
    eur: Annotated[str, typer.Argument(metavar="EUR", help="EUR per billable token, such as 0.00003.")],
    month: Annotated[
        str | None, typer.Option(metavar="MONTH", help="Month of the budget time zone; default: the last whole one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a month would have cost at another price, account by account. Changes nothing.

    The price is applied to all models, also to those with a price of their own.
    Exact to the nano-euro for prices of at most 9 decimals; finer ones are rounded once per account, not per request.
    """
    open_portal()
    try:
        first = None if month is None else parse_month(month)
    except InvalidMonth as error:
        raise typer.BadParameter(str(error), param_hint="--month") from None
    price = _price(eur)
    found = run_in_reading(load_preview, price, first, utc_now())
    if as_json:
        show_json(_preview(price, found))
        return
    rows = [
        (
            row.username,
            f"{row.figures.tokens:,}",
            eur_text(row.figures.cost_nano_eur),
            f"{row.figures.unpriced:,}",
            eur_text(row.would_cost),
        )
        for row in (*found.accounts, found.total)
    ]
    show_table(
        ("Account", f"Tokens in {found.month:%Y-%m}", "Cost in EUR", "Requests without a price", "Would have cost"),
        rows,
    )


def _confirm(price: Decimal, valid_from: datetime, now: datetime, *, yes: bool) -> None:
    """Warn of a price of 0 or in the past, and ask on a terminal. Raises Abort, and BadParameter for a price of 0."""
    is_past = valid_from < now
    if not price:
        note(f"At a price of 0 EUR, requests from {shown(valid_from)} on, or these tokens of them, cost nothing.")
    if is_past:
        note(
            f"{shown(valid_from)} is in the past. Requests that have a cost keep it: `portal price repair` only fills "
            "in costs that are missing. The price applies to what is reported from now on and was requested since then."
        )
    if yes or not (is_past or not price):
        return
    if can_ask():
        typer.confirm("Save it?", abort=True, err=True)
    elif not price:
        raise typer.BadParameter("a price of 0 needs --yes where there is no terminal to ask on", param_hint="EUR")


def _preview(price: Decimal, found: PreviewView) -> dict[str, object]:
    *accounts, total = (
        {
            "username": row.username,
            "tokens": row.figures.tokens,
            "cost_eur": eur_text(row.figures.cost_nano_eur),
            "unpriced_requests": row.figures.unpriced,
            "would_cost_eur": eur_text(row.would_cost),
        }
        for row in (*found.accounts, found.total)
    )
    return {"month": f"{found.month:%Y-%m}", "eur_per_token": price, "accounts": accounts, "total": total}


def _price(text: str) -> Decimal:
    try:
        price = Decimal(text)
        return price or Decimal(0)  # -0 becomes 0
    except InvalidOperation:
        raise typer.BadParameter("a price is a decimal number, such as 0.00003", param_hint="EUR") from None
