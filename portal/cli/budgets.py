"""`portal budget`: the limits of accounts."""

from dataclasses import asdict
from typing import Annotated

import typer

from portal.actions.spending.budgets import change_budget
from portal.actions.spending.default_budgets import change_default_budget, set_default_budget
from portal.cli.allowances import commands as allowances
from portal.cli.console import (
    UserName,
    actor,
    example,
    open_account,
    open_portal,
    read_limits,
    show_table,
    shown,
    shown_tokens,
)
from portal.cli.listing import AsJson, answer, listing, show_json
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.rules.people.accounts import Role
from portal.rules.periods import Period
from portal.rules.spending.budgets import BudgetType, Limits
from portal.views.people.accounts import find_account
from portal.views.spending.budget import BudgetsView, load_all_budgets, load_budgets
from portal.views.spending.default_budgets import load_default_budgets
from portal.words.labels import BUDGET_TYPES, level_label

commands = typer.Typer(help="Budgets: limits in billable tokens.", no_args_is_help=True)
commands.add_typer(allowances)

NAMES = {Period.DAILY: "Today", Period.MONTHLY: "This month", Period.TOTAL: "Total"}
_FIELDS = (
    "username, type and daily, monthly, total: objects with consumed, limit (null: none), remaining, percent, level, "
    "resets_at"
)


@commands.command(
    "set",
    epilog=example(
        "portal budget set alice --daily 1_000_000 --monthly 20_000_000 --total none --type subscription",
        "portal budget set bob --total 5000000 --type one_time",
    ),
)
def set_limits(
    name: UserName,
    daily: Annotated[str | None, typer.Option(metavar="N|none", help="Billable tokens a day.")] = None,
    monthly: Annotated[str | None, typer.Option(metavar="N|none", help="Billable tokens a month.")] = None,
    total: Annotated[str | None, typer.Option(metavar="N|none", help="Billable tokens altogether.")] = None,
    type: Annotated[BudgetType | None, typer.Option(help="Of a one_time budget only the total limit counts.")] = None,  # noqa: A002  # the name of the option
) -> None:
    """Set an account's limits. An omitted option stays as it is; `none` takes a limit away, 0 allows nothing."""
    if daily is monthly is total is type is None:
        raise typer.BadParameter("say what to set: --daily, --monthly, --total or --type")
    open_portal()
    changes = _changes(daily, monthly, total, type)
    account = run_in_reading(find_account, name)
    new = run_in_transaction(change_budget, actor(), account.id, changes, utc_now())
    typer.echo(f"Budget of {name}: {limits_sentence(new)}.")


@commands.command(
    "default",
    epilog=listing(
        "portal budget default user --daily 1_000_000 --monthly 20_000_000",
        "portal budget default user --none",
        "portal budget default",
        fields="role and limits: null, or an object with daily, monthly, total (null: none) and type",
    ),
)
def default(
    role: Annotated[Role | None, typer.Argument(help="The role; without one, list all roles.")] = None,
    daily: Annotated[str | None, typer.Option(metavar="N|none", help="Billable tokens a day.")] = None,
    monthly: Annotated[str | None, typer.Option(metavar="N|none", help="Billable tokens a month.")] = None,
    total: Annotated[str | None, typer.Option(metavar="N|none", help="Billable tokens altogether.")] = None,
    type: Annotated[BudgetType | None, typer.Option(help="Of a one_time budget only the total limit counts.")] = None,  # noqa: A002  # the name of the option
    none: Annotated[bool, typer.Option("--none", help="New accounts of the role get no budget.")] = False,
    as_json: AsJson = False,
) -> None:
    """Set the budget that new accounts of a role get, or list these budgets. Present accounts keep theirs."""
    is_change = not (daily is monthly is total is type is None)
    if role is None and (is_change or none):
        raise typer.BadParameter("name the role first: user, expert or admin")
    if is_change and none:
        raise typer.BadParameter("--none takes no limits")
    open_portal()
    if role is not None and none:
        run_in_transaction(set_default_budget, actor(), role, None, utc_now())
    elif role is not None and is_change:
        changes = _changes(daily, monthly, total, type)
        run_in_transaction(change_default_budget, actor(), role, changes, utc_now())
    views = [view for view in run_in_reading(load_default_budgets) if role in (None, view.role)]
    records = [{"role": view.role, "limits": None if view.limits is None else asdict(view.limits)} for view in views]
    if as_json:
        show_json(records)
        return
    show_table(("Role", "Default budget"), [(view.role, limits_sentence(view.limits)) for view in views])


@commands.command(
    epilog=answer(
        "portal budget show alice",
        fields=_FIELDS,
    )
)
def show(name: UserName, as_json: AsJson = False) -> None:
    """Show what an account may spend and what it has spent, in billable tokens."""
    account = open_account(name)
    view = run_in_reading(load_budgets, account.id, utc_now())
    if as_json:
        show_json(_record(account.username, view))
        return
    rows = [
        (
            NAMES[part.period],
            f"{part.budget.consumed:,}",
            _or_infinite(part.budget.limit),
            _or_infinite(part.budget.remaining),
            "–" if part.percent is None else f"{part.percent} %",
            str(level_label(part.budget)),
            shown(part.resets_at),
            str(BUDGET_TYPES[view.type]),
        )
        for part in view.all
    ]
    show_table(("Period", "Consumed", "Limit", "Remaining", "Percent", "Level", "Resets", "Type"), rows)


@commands.command(
    "list",
    epilog=listing(
        "portal budget list",
        fields=_FIELDS,
    ),
)
def list_budgets(as_json: AsJson = False) -> None:
    """List the budgets of all active accounts: consumed and limit in billable tokens."""
    open_portal()
    views = run_in_reading(load_all_budgets, utc_now())
    if as_json:
        show_json([_record(name, view) for name, view in views])
        return
    rows = [
        (
            name,
            str(BUDGET_TYPES[view.type]),
            *(f"{p.budget.consumed:,} of {_or_infinite(p.budget.limit)}" for p in view.all),
        )
        for name, view in views
    ]
    show_table(("Name", "Type", *NAMES.values()), rows)


def _record(name: str, view: BudgetsView) -> dict[str, object]:
    parts = {
        part.period.value: {
            "consumed": part.budget.consumed,
            "limit": part.budget.limit,
            "remaining": part.budget.remaining,
            "percent": part.percent,
            "level": part.level,
            "resets_at": part.resets_at,
        }
        for part in view.all
    }
    return {"username": name, "type": view.type, **parts}


def limits_sentence(limits: Limits | None) -> str:
    """Return limits as text, such as "daily 1,000, monthly none, total none, subscription"."""
    if limits is None:
        return "none"
    parts = (f"{period} {shown_tokens(limits.set_for(period))}" for period in Period)
    return f"{', '.join(parts)}, {limits.type}"


def _changes(
    daily: str | None, monthly: str | None, total: str | None, kind: BudgetType | None
) -> dict[str, int | BudgetType | None]:
    changes = read_limits(daily, monthly, total)
    return {**changes} if kind is None else {**changes, "type": kind}


def _or_infinite(tokens: int | None) -> str:
    return "∞" if tokens is None else f"{tokens:,}"
