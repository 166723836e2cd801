"""`portal audit`: the changes that were made, with their actors."""

from dataclasses import asdict
from itertools import islice
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from portal.cli.console import actor, open_portal
from portal.cli.listing import AsJson, Cell, Record, listing, read_filter, show_list
from portal.db.sql.session import run_in_reading
from portal.rules.audit_list import AUDIT_LIST
from portal.rules.lists import ListFilter
from portal.views.audit_list import AuditRow, load_audit_rows
from portal.words.audit import values_text

commands = typer.Typer(help="The audit log: the changes that were made, with their actors.", no_args_is_help=True)


@commands.callback()
def audit() -> None:
    """Show the audit log."""


@commands.command(
    "list",
    epilog=listing(
        "portal audit list --actor root --from 2026-12-01",
        "portal audit list --target alice --action budget.set --json",
        fields="id, at, actor, actor_id, means, action, target, account_id, username, address, before, after, details",
    ),
)
def list_audit(
    by: Annotated[str, typer.Option("--actor", help="Only changes by this user name or operator.")] = "",
    action: Annotated[str, typer.Option(help="Only this action, such as budget.set.")] = "",
    target: Annotated[str, typer.Option(help="Only this target, such as gateway:moe-1, or a user name.")] = "",
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="First day, in the budget time zone.")] = "",
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="Last day, in the budget time zone.")] = "",
    most: Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="Largest number of entries.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """List entries of the audit log, newest first."""
    open_portal()
    chosen = {"actor": by, "action": action, "target": target, "from": first, "to": last}
    wanted = read_filter(AUDIT_LIST, **chosen)
    columns: dict[str, Cell] = {
        "At": "at",
        "Actor": "actor",
        "Action": "action",
        "Target": lambda record: record["username"] or record["target"] or "",
        "Address": lambda record: record["address"] or "",
        "Before": _values("before"),
        "After": _values("after"),
        "Details": _values("details"),
    }
    records = [asdict(row) for row in run_in_reading(_rows, wanted, most)]
    show_list(records, columns, as_json=as_json)


def _rows(session: Session, wanted: ListFilter, most: int) -> list[AuditRow]:
    return list(islice(load_audit_rows(session, actor(), wanted), most))


def _values(name: str) -> Cell:
    def cell(record: Record) -> str:
        values = record[name]
        return values_text(values if isinstance(values, dict) else None) or ""

    return cell
