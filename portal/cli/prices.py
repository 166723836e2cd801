"""`portal price`: the price book."""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from portal.actions.spending.prices import (
    end_model_price,
    enter,
    general_price,
    price_of_models,
    remove_price,
    repair_costs,
)
from portal.cli.admin.price_import import commands as price_import
from portal.cli.console import actor, can_ask, example, note, open_portal, progress, read_moment, show_table, shown
from portal.cli.listing import AsJson, Cell, Search, Sort, answer, listing, read_filter, show_json, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.rules.lists import ListFilter
from portal.rules.metering.figures import Figures
from portal.rules.periods import InvalidMonth, parse_month
from portal.rules.spending.price_list import GENERAL, MODELS, PRICE_LIST, PriceStatus
from portal.rules.spending.prices import Price, Rates
from portal.rules.spending.pricing import eur_text
from portal.rules.text import counted
from portal.settings import settings
from portal.views.spending.price_preview import PreviewView, load_preview
from portal.views.spending.prices import PriceItem, load_price_rows, load_unpriced

commands = typer.Typer(help="The price book: EUR per billable token, by date.", no_args_is_help=True)
commands.add_typer(price_import)


Eur = Annotated[
    str | None, typer.Argument(metavar="EUR", help="EUR per billable token, such as 0.00003; not with --model.")
]
Begins = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="DATE",
        help="First day of the price (from midnight in the budget time zone), or an instant with an offset; "
        "default: now.",
    ),
]
ForModel = Annotated[
    str | None, typer.Option(metavar="PATTERN", help="For these models only: an exact name, or a pattern with * and ?.")
]
Prompt = Annotated[str | None, typer.Option(metavar="EUR", help="EUR per million prompt tokens.")]
Completion = Annotated[str | None, typer.Option(metavar="EUR", help="EUR per million completion tokens.")]
Cached = Annotated[
    str | None, typer.Option(metavar="EUR", help="EUR per million cached prompt tokens; default: as --prompt.")
]


@commands.command(
    "set",
    epilog=example(
        "portal price set 0.00003 --from 2026-12-01",
        "portal price set --model 'gpt-4o*' --prompt 2.30 --completion 9.20 --cached 1.15",
    ),
)
def set_price(
    eur: Eur = None,
    begins: Begins = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; a price of 0 needs it without a terminal.")] = False,
    model: ForModel = None,
    prompt: Prompt = None,
    completion: Completion = None,
    cached: Cached = None,
) -> None:
    """Enter a price. It applies to requests from then on; costs that are stored never change."""
    open_portal()
    now = _now()
    price = _planned(eur, model, (prompt, completion, cached), _moment(begins, now))
    _confirm(price, now, yes=yes)
    run_in_transaction(enter, actor(), price, now)
    if price.rates is None:
        typer.echo(f"{price.eur_per_token:f} EUR per billable token from {shown(price.valid_from)} on.")
        return
    amounts = f"{price.rates.prompt:f} / {price.rates.completion:f} / {price.rates.cached:f} EUR"
    typer.echo(f"{model}: {amounts} per million prompt / completion / cached tokens from {shown(price.valid_from)} on.")


@commands.command(epilog=example("portal price end 'gpt-4o*' --from 2027-01-01"))
def end(
    model: Annotated[str, typer.Argument(metavar="PATTERN", help="The models, as they were given to `set --model`.")],
    begins: Begins = None,
) -> None:
    """End a price of models. From then on they have the price of the next pattern that matches, or the general one."""
    open_portal()
    now = _now()
    valid_from = _moment(begins, now)
    run_in_transaction(end_model_price, actor(), model, valid_from, now)
    typer.echo(f"{model} has no price of its own from {shown(valid_from)} on.")


def _now() -> datetime:
    return utc_now().replace(microsecond=0)  # without a fraction, so that it can be typed


def _moment(begins: str | None, now: datetime) -> datetime:
    return now if begins is None else read_moment(begins, "--from", settings().budget_zone)


def _planned(
    eur: str | None, model: str | None, rates: tuple[str | None, str | None, str | None], valid_from: datetime
) -> Price:
    """Return the entry of the options; `rates` are prompt, completion and cached. Raises BadParameter."""
    prompt, completion, cached = rates
    if model is not None:
        if eur is not None or prompt is None or completion is None:
            raise typer.BadParameter(
                "a price of models needs --prompt and --completion, and no EUR", param_hint="--model"
            )
        amounts = Rates(_price(prompt), _price(completion), _price(prompt if cached is None else cached))
        return price_of_models(model, amounts, valid_from)
    if eur is None or prompt or completion or cached:
        raise typer.BadParameter("write EUR per billable token, or a price of models with --model", param_hint="EUR")
    return general_price(_price(eur), valid_from)


@commands.command(
    "list",
    epilog=listing(
        "portal price list",
        "portal price list --status planned --json",
        fields="id, valid_from (null: since ever), eur_per_token, status, in_force, is_end, "
        "model (null: general), prompt, completion, cached (EUR per million tokens), source, entered_at",
    ),
)
def list_prices(
    search: Search = "",
    status: Annotated[str, typer.Option(help=f"Only {', '.join(PriceStatus)} prices.")] = "",
    kind: Annotated[str, typer.Option(help=f"Only the {GENERAL} price, or those of {MODELS}.")] = "",
    sort: Sort = "",
    as_json: AsJson = False,
) -> None:
    """List all prices: the general ones, then by pattern; of each as they were entered."""
    open_portal()
    wanted = read_filter(PRICE_LIST, search=search, sort=sort, status=status, kind=kind)
    records = [
        asdict(price) | {"in_force": price.status is PriceStatus.IN_FORCE} for price in run_in_reading(_rows, wanted)
    ]
    columns: dict[str, Cell] = {
        "From": lambda record: _begin_text(record["valid_from"]),
        "EUR per token": "eur_per_token",
        "Model": "model",
        "Prompt": "prompt",
        "Completion": "completion",
        "Cached": "cached",
        "Source": "source",
        "Status": lambda record: str(record["status"]).replace("_", " "),
    }
    show_list(records, columns, as_json=as_json)


def _rows(session: Session, wanted: ListFilter) -> list[PriceItem]:
    return list(load_price_rows(session, actor(), wanted, utc_now()))


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
    unpriced = run_in_reading(load_unpriced, actor())
    with progress("Repairing", sum(row.requests for row in unpriced)) as advance:
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
        "portal price preview --model 'gpt-4o*' --prompt 2.30 --completion 9.20 --month 2026-10",
        fields="month, is_past, is_free, models: objects with model, affected, tokens, requests, cost_eur, "
        "unpriced_requests, would_cost_eur, difference_eur, pruned_requests, and total: the same sums",
    )
)
def preview(
    eur: Eur = None,
    model: ForModel = None,
    prompt: Prompt = None,
    completion: Completion = None,
    cached: Cached = None,
    begins: Begins = None,
    month: Annotated[
        str | None, typer.Option(metavar="MONTH", help="Month of the budget time zone; default: the last whole one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a month would have cost at another price, model by model. Changes nothing.

    Models that another entry of the price book prices keep their cost.
    A general price is exact for at most 9 decimals; other costs may differ by half a nano-euro per request.
    """
    open_portal()
    now = _now()
    try:
        first = None if month is None else parse_month(month)
    except InvalidMonth as error:
        raise typer.BadParameter(str(error), param_hint="--month") from None
    price = _planned(eur, model, (prompt, completion, cached), _moment(begins, now))
    found = run_in_reading(load_preview, actor(), [price], now, first)
    if as_json:
        show_json(preview_record(found))
        return
    show_preview(found)


def show_preview(found: PreviewView) -> None:
    """Print the affected models and the total of all models."""
    records = preview_record(found)
    rows = [record for record in records["models"] if record["affected"]] + [{"model": "total"} | records["total"]]
    columns = ("Model", f"Tokens in {found.month:%Y-%m}", "Cost in EUR", "Would have cost", "Difference")
    fields = ("cost_eur", "would_cost_eur", "difference_eur")
    show_table(columns, [(row["model"], f"{row['tokens']:,}", *(row[name] for name in fields)) for row in rows])
    if pruned := sum(row.pruned for row in found.models):
        note(f"{counted(pruned, 'request')} of the month were pruned, and keep their cost here.")
    if unpriced := found.would_unpriced:
        note(f"{counted(unpriced, 'request')} would have no price.")


def preview_record(found: PreviewView) -> dict[str, Any]:
    """Return a preview for JSON."""
    models = [
        {"model": row.model, "affected": row.is_affected}
        | _sums(row.figures, row.would_cost)
        | {"pruned_requests": row.pruned}
        for row in found.models
    ]
    month = f"{found.month:%Y-%m}"
    total = _sums(found.total, found.would_cost)
    return {"month": month, "is_past": found.is_past, "is_free": found.is_free, "models": models, "total": total}


def _sums(figures: Figures, would_cost: int) -> dict[str, Any]:
    return {
        "tokens": figures.tokens,
        "requests": figures.requests,
        "cost_eur": eur_text(figures.cost_nano_eur),
        "unpriced_requests": figures.unpriced,
        "would_cost_eur": eur_text(would_cost),
        "difference_eur": eur_text(would_cost - figures.cost_nano_eur),
    }


def _confirm(price: Price, now: datetime, *, yes: bool) -> None:
    """Warn of a price of 0 or in the past, and ask on a terminal. Raises Abort, and BadParameter for a price of 0."""
    is_past = price.valid_from is not None and price.valid_from < now
    begins = shown(price.valid_from)
    if price.is_free:
        note(f"At a price of 0 EUR, requests from {begins} on, or these tokens of them, cost nothing.")
    if is_past:
        note(
            f"{begins} is in the past. Requests that have a cost keep it: `portal price repair` only fills "
            "in costs that are missing. The price applies to what is reported from now on and was requested since then."
        )
    if yes or not (is_past or price.is_free):
        return
    if can_ask():
        typer.confirm("Save it?", abort=True, err=True)
    elif price.is_free:
        raise typer.BadParameter("a price of 0 needs --yes where there is no terminal to ask on", param_hint="EUR")


def _price(text: str) -> Decimal:
    try:
        price = Decimal(text)
        return price or Decimal(0)  # -0 becomes 0
    except InvalidOperation:
        raise typer.BadParameter("a price is a decimal number, such as 0.00003", param_hint="EUR") from None
