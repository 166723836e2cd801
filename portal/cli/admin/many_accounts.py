"""`portal user import` and `portal user bulk`: many accounts at once."""

from pathlib import Path
from typing import Annotated

import typer

from portal.actions.people.account_bulk import BulkRun
from portal.actions.people.account_import import import_accounts, mail_links, plan_import, read_import
from portal.actions.people.password_resets import LinkDelivery
from portal.cli.console import actor, can_ask, open_portal, progress, read_limits
from portal.cli.listing import AsJson, Search, answer, read_filter, show_json, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.rules.people.account_bulk import BulkChange, BulkKind, BulkProgress
from portal.rules.people.account_import import ImportRow
from portal.rules.people.account_list import ACCOUNT_LIST, NO_TEAM, AccountStatus
from portal.rules.people.accounts import Role
from portal.rules.spending.budgets import BudgetType, Limits
from portal.settings import settings
from portal.views.people.account_list import load_targets

commands = typer.Typer()

Tokens = Annotated[str | None, typer.Option(metavar="N|none", help="For `budget`: billable tokens.")]


@commands.command(
    "import",
    epilog=answer(
        "portal user import people.csv --preview",
        "portal user import people.csv --skip-wrong --links none --json",
        fields="preview, encoding, separator, right, wrong, rows (of a preview, else those left out: line, username, "
        "name, email, role, team, template, problem) and accounts (id, username, email, password_link)",
    ),
)
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV with the columns username, email, and others.")],
    preview: Annotated[bool, typer.Option("--preview", help="Only tell what would happen.")] = False,
    skip_wrong: Annotated[bool, typer.Option("--skip-wrong", help="Leave wrong rows out.")] = False,
    links: Annotated[LinkDelivery, typer.Option(help="What happens to the password links.")] = LinkDelivery.SHOW,
    as_json: AsJson = False,
) -> None:
    """Create an account for each row of a CSV file: all of them or, with wrong rows, none.

    The separator is a comma, semicolon or tab. Columns: username, name, email, role, team, cost_centre, daily, monthly,
    total, template; only username and email are needed. An account without limits gets the default budget of its role.
    """
    open_portal()
    content = read_import(file.read_bytes())
    plan = run_in_reading(plan_import, actor(), content)
    made, rows = [], [*plan.rows]
    if not preview:
        now = utc_now()
        result = run_in_transaction(import_accounts, actor(), content, now, skip_wrong=skip_wrong, links=links)
        if links is LinkDelivery.MAIL:
            mail_links(actor(), [each.id for each in result.accounts], now)
        base = (settings().base_url or "").rstrip("/")
        rows = [row for row in plan.rows if row.problem is not None]
        made = [
            {
                "id": each.id,
                "username": each.username,
                "email": each.email,
                "password_link": f"{base}{each.link}" if each.link else None,
            }
            for each in result.accounts
        ]
    records = [_row(row) for row in rows]
    if as_json:
        facts = {"preview": preview, "encoding": plan.encoding, "separator": plan.separator}
        counts = {"right": len(plan.right), "wrong": plan.wrong}
        show_json(facts | counts | {"rows": records, "accounts": made})
        return
    if preview:
        columns = {"Line": "line", "Username": "username", "Email": "email", "Role": "role"}
        show_list(records, columns | {"Result": lambda row: row["problem"] or "new account"}, as_json=False)
        typer.echo(f"{len(plan.right)} right and {plan.wrong} wrong rows ({plan.encoding}). Nothing was imported.")
        return
    if links is LinkDelivery.SHOW:
        show_list(made, {"Username": "username", "Password link": "password_link"}, as_json=False)
    typer.echo(f"Created {len(made)} accounts, left out {plan.wrong} rows.")


def _row(row: ImportRow) -> dict[str, object]:
    names = ("line", "username", "name", "email", "role")
    others = {"team": row.team or None, "template": row.template or None}
    problem = None if row.problem is None else str(row.problem)
    return {name: getattr(row, name) for name in names} | others | {"problem": problem}


@commands.command(
    "bulk",
    epilog=answer(
        "portal user bulk budget --role expert --daily 1_000_000 --yes",
        "portal user bulk team --to Research --search @physics.example.org",
        "portal user bulk suspend --team Guests --yes --json",
        fields="total, changed, unchanged, left_out (username, reason) and stopped (null, or why it ended early)",
    ),
)
def change_many(
    action: Annotated[BulkKind, typer.Argument(help="What is changed.")],
    search: Search = "",
    role: Annotated[Role | None, typer.Option(help="Only accounts with this role.")] = None,
    status: Annotated[AccountStatus | None, typer.Option(help="Only accounts with this status.")] = None,
    team: Annotated[str, typer.Option(help=f"Only accounts of this team; {NO_TEAM} for those without one.")] = "",
    everybody: Annotated[bool, typer.Option("--all", help="All accounts, without a filter.")] = False,
    to: Annotated[str, typer.Option(metavar="NAME", help="For `team` and `template`; without it: none.")] = "",
    daily: Tokens = None,
    monthly: Tokens = None,
    total: Tokens = None,
    type: Annotated[BudgetType, typer.Option(help="For `budget`.")] = BudgetType.SUBSCRIPTION,  # noqa: A002  # the name of the option
    default: Annotated[bool, typer.Option("--default", help="For `budget`: the default of each role.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Change without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Change all accounts that match a filter, one after the other: each is whole or untouched."""
    if not (search or role or status or team or everybody):
        raise typer.BadParameter("name a filter, or say --all")
    limits = None if default else Limits(**read_limits(daily, monthly, total), type=type)
    open_portal()
    wanted = read_filter(ACCOUNT_LIST, search=search, role=role or "", status=status or "", team=team)
    targets = run_in_reading(load_targets, actor(), wanted, utc_now())
    run = BulkRun(actor(), BulkChange(action, limits, to), targets)
    if not yes:
        if not can_ask():
            raise typer.BadParameter("there is no terminal to ask on; say --yes to change without asking")
        typer.confirm(f"Change {len(targets)} accounts ({action})?", abort=True, err=True)
    with progress("Accounts", len(targets)) as advance:
        is_more = bool(targets)
        while is_more:
            before = run.progress.done
            is_more = run.step()
            advance(run.progress.done - before)
    _show(run.progress, as_json=as_json)


def _show(done: BulkProgress, *, as_json: bool) -> None:
    left_out = [{"username": each.username, "reason": str(each.reason)} for each in done.left_out]
    stopped = None if done.stopped is None else str(done.stopped)
    if as_json:
        counts = {"total": done.total, "changed": done.changed, "unchanged": done.unchanged}
        show_json(counts | {"left_out": left_out, "stopped": stopped})
        return
    if left_out:
        show_list(left_out, {"Not changed": "username", "Reason": "reason"}, as_json=False)
    if stopped is not None:
        typer.echo(stopped)
    typer.echo(f"Changed {done.changed} of {done.total} accounts; {done.unchanged} were so already.")
