"""`portal usage`: usage of the organisation."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from portal.cli.console import actor, open_portal
from portal.cli.listing import AsJson, Cell, Search, Sort, listing, read_filter, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading
from portal.rules.lists import ListFilter
from portal.rules.metering.figures import Figures, total
from portal.rules.metering.organisation import NO_COST_CENTRE, USAGE_LIST, Grouping, Span
from portal.rules.spending.pricing import eur_text
from portal.views.metering.organisation import UsageGroup, load_organisation_rows

commands = typer.Typer(help="Usage of the organisation.", no_args_is_help=True)


@commands.callback()
def usage() -> None:
    """Show the usage of the organisation."""


@commands.command(
    "list",
    epilog=listing(
        "portal usage list --from 2026-11-01 --to 2026-11-30 --by team",
        "portal usage list --range year --by model --team 3 --json",
        fields="key, id, name, requests, prompt_tokens, completion_tokens, total_tokens, tokens, cost_eur, unpriced, "
        "without_counts",
    ),
)
def list_usage(
    by: Annotated[Grouping, typer.Option(help="What each row is about.")] = Grouping.TEAM,
    span: Annotated[Span, typer.Option("--range", help="The days, if none are given.")] = Span.MONTH,
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="First day, in the budget time zone.")] = "",
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="Last day, in the budget time zone.")] = "",
    account: Annotated[str, typer.Option(metavar="ID", help="Only this account.")] = "",
    team: Annotated[str, typer.Option(metavar="ID", help="Only this team; 0 is no team.")] = "",
    cost_centre: Annotated[str, typer.Option(help=f"Only this cost centre; {NO_COST_CENTRE} is none.")] = "",
    model: Annotated[str, typer.Option(help="Only this model.")] = "",
    mode: Annotated[str, typer.Option(help="Only this mode.")] = "",
    gateway: Annotated[str, typer.Option(metavar="ID", help="Only this gateway; 0 is an unknown one.")] = "",
    search: Search = "",
    sort: Sort = "",
    as_json: AsJson = False,
) -> None:
    """Show the usage of the organisation by group; the last row of the table is the total."""
    open_portal()
    days = {"from": first, "to": last, "range": span}
    chosen = {"account": account, "team": team, "cost_centre": cost_centre}
    others = {"model": model, "mode": mode, "gateway": gateway, "search": search, "sort": sort}
    rows = run_in_reading(_rows, read_filter(USAGE_LIST, by=by, **days, **chosen, **others))
    records = [_record(row.figures, row.key or None, row.id or None, row.name) for row in rows]
    if not as_json:
        records.append(_record(total(row.figures for row in rows), "Total", None, ""))
    columns: dict[str, Cell] = {
        by.value.replace("_", " ").capitalize(): "key",
        "Name": "name",
        "Requests": "requests",
        "Prompt": "prompt_tokens",
        "Completion": "completion_tokens",
        "Billable": "tokens",
        "Cost (EUR)": "cost_eur",
    }
    show_list(records, columns, as_json=as_json)


def _rows(session: Session, wanted: ListFilter) -> list[UsageGroup]:
    return list(load_organisation_rows(session, actor(), wanted, utc_now()))


def _record(sums: Figures, key: str | None, number: int | None, name: str) -> Mapping[str, Any]:
    return {
        "key": key,
        "id": number,
        "name": name,
        "requests": sums.requests,
        "prompt_tokens": sums.prompt_tokens,
        "completion_tokens": sums.completion_tokens,
        "total_tokens": sums.total_tokens,
        "tokens": sums.tokens,
        "cost_eur": eur_text(sums.cost_nano_eur),
        "unpriced": sums.unpriced,
        "without_counts": sums.without_counts,
    }
