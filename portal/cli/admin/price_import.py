"""`portal price import`: prices of models from LiteLLM's price map."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from portal.actions.spending.price_import import (
    PriceImportPlan,
    import_prices,
    plan_price_import,
    read_price_import,
)
from portal.cli.console import actor, note, open_portal, read_moment
from portal.cli.listing import AsJson, answer, show_json, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.rules.messages import InvalidValue
from portal.rules.metering.usage import InvalidFilter, parse_day
from portal.rules.spending.pricing import eur_text, read_rate
from portal.rules.text import counted
from portal.settings import settings
from portal.views.spending.price_preview import PreviewView, load_preview

commands = typer.Typer()


@commands.command(
    "import",
    epilog=answer(
        "portal price import model_prices_and_context_window.json --rate 0.92 --rate-day 2026-11-01 --preview",
        "portal price import prices.json --rate 0.92 --rate-day 2026-11-01 --model 'gpt-4o*' --json",
        fields="preview, source, prices (model, prompt, completion, cached in EUR per million tokens), free (models), "
        "wrong (model, problem), unchanged, unwanted, others, and of a preview month, cost_eur and would_cost_eur",
    ),
)
def import_file(
    file: Annotated[Path, typer.Argument(help="LiteLLM's model_prices_and_context_window.json.")],
    rate: Annotated[str, typer.Option(metavar="EUR", help="EUR for one USD; stored with each price.")],
    rate_day: Annotated[str, typer.Option(metavar="DAY", help="The day of this rate; stored with each price.")],
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Only these models, repeatable; default: the models used here."),
    ] = None,
    begins: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DATE",
            help="First day of the prices (from midnight in the budget time zone), or an instant; default: now.",
        ),
    ] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only tell what would happen.")] = False,
    skip_wrong: Annotated[bool, typer.Option("--skip-wrong", help="Leave wrong models out.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Prices of 0 are intended.")] = False,
    as_json: AsJson = False,
) -> None:
    """Enter the prices of LiteLLM's price map: all of the wanted models or, if one of them is wrong, none.

    The file has USD per token. Costs that are stored never change.
    """
    open_portal()
    now = utc_now().replace(microsecond=0)
    wanted = read_price_import(file.read_bytes(), *_rate(rate, rate_day), model or (), _moment(begins, now))
    effect = None
    if preview:
        plan = run_in_reading(plan_price_import, actor(), wanted)
        effect = run_in_reading(load_preview, actor(), plan.prices, now)
    else:
        plan = run_in_transaction(import_prices, actor(), wanted, now, skip_wrong=skip_wrong, confirm_free=yes)
    if as_json:
        show_json(_record(plan, wanted.rate.source, effect))
        return
    _show(plan, wanted.rate.source, effect)


def _rate(rate: str, day: str) -> tuple[Any, Any]:
    try:
        return read_rate(rate), parse_day(day, "--rate-day")
    except InvalidValue as error:
        raise typer.BadParameter(str(error), param_hint="--rate") from None
    except InvalidFilter as error:
        raise typer.BadParameter(f"{error} A day looks like 2026-12-01.", param_hint="--rate-day") from None


def _moment(begins: str | None, now: datetime) -> datetime:
    return now if begins is None else read_moment(begins, "--from", settings().budget_zone)


def _record(plan: PriceImportPlan, source: str, effect: PreviewView | None) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "preview": effect is not None,
        "source": source,
        "prices": _prices(plan),
        "free": [price.pattern for price in plan.free],
        "wrong": _wrong(plan),
        "unchanged": plan.unchanged,
        "unwanted": plan.unwanted,
        "others": plan.others,
    }
    return facts | ({} if effect is None else _effect(effect))


def _prices(plan: PriceImportPlan) -> list[dict[str, Any]]:
    names = ("prompt", "completion", "cached")
    return [{"model": price.pattern} | {name: getattr(price.rates, name) for name in names} for price in plan.prices]


def _wrong(plan: PriceImportPlan) -> list[dict[str, str]]:
    return [{"model": row.model, "problem": str(row.problem)} for row in plan.wrong]


def _effect(found: PreviewView) -> dict[str, str]:
    month, cost = f"{found.month:%Y-%m}", found.total.cost_nano_eur
    return {"month": month, "cost_eur": eur_text(cost), "would_cost_eur": eur_text(found.would_cost)}


def _show(plan: PriceImportPlan, source: str, effect: PreviewView | None) -> None:
    names = {"Model": "model", "Prompt": "prompt", "Completion": "completion", "Cached": "cached"}
    show_list(_prices(plan), names, as_json=False)
    if plan.wrong:
        show_list(_wrong(plan), {"Left out": "model", "Reason": "problem"}, as_json=False)
    if plan.free:
        note(f"{counted(len(plan.free), 'price')} contain a 0.")
    if effect is None:
        typer.echo(f"Entered {counted(len(plan.prices), 'price')} ({source}); {plan.unchanged} were so already.")
        return
    sums = _effect(effect)
    typer.echo(f"Nothing was imported. {sums['month']} cost {sums['cost_eur']} EUR, then {sums['would_cost_eur']} EUR.")
