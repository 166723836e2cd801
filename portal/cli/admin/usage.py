"""`portal usage`: usage of the organisation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from portal.cli.console import actor, open_portal
from portal.cli.listing import AsJson, Cell, Search, Sort, answer, listing, read_filter, show_json, show_list
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading
from portal.exports.chargeback import chargeback_pdf, chargeback_xlsx
from portal.rules.lists import ListFilter
from portal.rules.metering.figures import Figures, total
from portal.rules.metering.organisation import NO_COST_CENTRE, REQUEST_LIST, USAGE_LIST, Grouping, Span, parse_month
from portal.rules.metering.usage import InvalidFilter
from portal.rules.people.accounts import Language
from portal.rules.periods import day_of
from portal.rules.spending.pricing import eur_text
from portal.settings import settings
from portal.views.metering.chargeback import Chargeback, load_chargeback
from portal.views.metering.organisation import UsageGroup, load_organisation_rows
from portal.views.metering.organisation_requests import RequestRow, load_request_rows
from portal.words.formats import Formats
from portal.words.locales import locale_of

commands = typer.Typer(help="Usage of the organisation.", no_args_is_help=True)


Range = Annotated[Span, typer.Option("--range", help="The days, if none are given.")]
First = Annotated[str, typer.Option("--from", metavar="DAY", help="First day, in the budget time zone.")]
Last = Annotated[str, typer.Option("--to", metavar="DAY", help="Last day, in the budget time zone.")]
OfAccount = Annotated[str, typer.Option(metavar="ID", help="Only this account.")]
OfTeam = Annotated[str, typer.Option(metavar="ID", help="Only this team; 0 is no team.")]
OfCostCentre = Annotated[str, typer.Option(help=f"Only this cost centre; {NO_COST_CENTRE} is none.")]
OfModel = Annotated[str, typer.Option(help="Only this model.")]
OfMode = Annotated[str, typer.Option(help="Only this mode.")]
OfGateway = Annotated[str, typer.Option(metavar="ID", help="Only this gateway; 0 is an unknown one.")]


_FIGURES: dict[str, Cell] = {
    "Requests": "requests",
    "Prompt": "prompt_tokens",
    "Completion": "completion_tokens",
    "Billable": "tokens",
    "Cost (EUR)": "cost_eur",
}
_ABOUT = {"key", "id", "name"}


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
    span: Range = Span.MONTH,
    first: First = "",
    last: Last = "",
    account: OfAccount = "",
    team: OfTeam = "",
    cost_centre: OfCostCentre = "",
    model: OfModel = "",
    mode: OfMode = "",
    gateway: OfGateway = "",
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
        **_FIGURES,
    }
    show_list(records, columns, as_json=as_json)


@commands.command(
    "requests",
    epilog=listing(
        "portal usage requests --from 2026-11-22 --to 2026-11-22 --team 3",
        "portal usage requests --range last_month --model gpt-4o --json",
        fields="id, requested_at, username, team, gateway, model, mode, prompt_tokens, completion_tokens, "
        "billable_tokens, cost_eur, status",
    ),
)
def list_requests(
    span: Range = Span.MONTH,
    first: First = "",
    last: Last = "",
    account: OfAccount = "",
    team: OfTeam = "",
    cost_centre: OfCostCentre = "",
    model: OfModel = "",
    mode: OfMode = "",
    gateway: OfGateway = "",
    sort: Sort = "",
    as_json: AsJson = False,
) -> None:
    """Show the requests behind a figure of the usage, newest first."""
    open_portal()
    days = {"from": first, "to": last, "range": span}
    chosen = {"account": account, "team": team, "cost_centre": cost_centre}
    others = {"model": model, "mode": mode, "gateway": gateway, "sort": sort}
    rows = run_in_reading(_requests, read_filter(REQUEST_LIST, **days, **chosen, **others))
    columns: dict[str, Cell] = {
        "Time": "requested_at",
        "Account": "username",
        "Team": "team",
        "Gateway": "gateway",
        "Model": "model",
        "Mode": "mode",
        "Billable": "billable_tokens",
        "Cost (EUR)": "cost_eur",
        "Status": "status",
    }
    show_list([_request(row) for row in rows], columns, as_json=as_json)


@commands.command(
    epilog=answer(
        "portal usage chargeback --month 2026-11 --output report.pdf",
        "portal usage chargeback --month 2026-11 --json",
        fields="month, teams, totals; each team has id, name, cost_centre, its sums and people with their sums",
    )
)
def chargeback(
    month: Annotated[str, typer.Option(metavar="YYYY-MM", help="Plain: the month before this one.")] = "",
    output: Annotated[Path | None, typer.Option(help="Write it to this file: .xlsx or .pdf.")] = None,
    language: Annotated[Language, typer.Option(help="The language of the PDF.")] = Language.ENGLISH,
    as_json: AsJson = False,
) -> None:
    """Show the usage of a month by team and person, or write it to a file."""
    if output and output.suffix not in {".xlsx", ".pdf"}:
        raise typer.BadParameter("The name of the file ends in .xlsx or .pdf.", param_hint="--output")
    open_portal()
    now, zone = utc_now(), settings().budget_zone
    try:
        first = parse_month(month, day_of(now, zone))
    except InvalidFilter as error:
        raise typer.BadParameter(str(error.sentence), param_hint="--month") from None
    report = run_in_reading(load_chargeback, actor(), first, now)
    if output:
        formats = Formats(locale_of(language), zone, zone)
        pieces = [chargeback_pdf(report, formats)] if output.suffix == ".pdf" else chargeback_xlsx(report)
        with output.open("xb") as file:
            file.writelines(pieces)
        typer.echo(f"Wrote the report of {first:%Y-%m} to {output}.")
    elif as_json:
        show_json(chargeback_record(report))
    else:
        people = [each for team in report.teams for each in team.people]
        rows = [_record(each.figures, each.username, None, each.team or "–") for each in people]
        records = [*rows, _record(report.totals, "Total", None, "")]
        show_list(records, {"Team": "name", "Account": "key", **_FIGURES}, as_json=False)


def chargeback_record(report: Chargeback) -> Mapping[str, Any]:
    """Return the report as JSON."""

    def sums(figures: Figures) -> dict[str, Any]:
        return {name: value for name, value in _record(figures, None, None, "").items() if name not in _ABOUT}

    return {
        "month": f"{report.month:%Y-%m}",
        "teams": [
            {
                "id": team.id,
                "name": team.name or None,
                "cost_centre": team.cost_centre or None,
                **sums(team.figures),
                "people": [
                    {"username": each.username, "name": each.name, **sums(each.figures)} for each in team.people
                ],
            }
            for team in report.teams
        ],
        "totals": sums(report.totals),
    }


def _requests(session: Session, wanted: ListFilter) -> list[RequestRow]:
    return list(load_request_rows(session, actor(), wanted, utc_now()))


def _request(row: RequestRow) -> Mapping[str, Any]:
    names = ("id", "requested_at", "username", "team", "gateway", "model", "mode")
    is_known = not row.without_counts
    return {
        **{name: getattr(row, name) for name in names},
        "prompt_tokens": row.prompt_tokens if is_known else None,
        "completion_tokens": row.completion_tokens if is_known else None,
        "billable_tokens": row.billable_tokens,
        "cost_eur": None if row.cost_nano_eur is None else eur_text(row.cost_nano_eur),
        "status": row.status,
    }


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
