"""`portal import usage`: import requests from files that other programs export."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from portal.actions.metering.usage import Result
from portal.cli.console import actor, can_ask, example, note, open_portal, progress, read_moment, sentence, show_table
from portal.clock import utc_now
from portal.errors import PortalError
from portal.imports.columns import FIELDS, Plan
from portal.imports.file_import import DONE, SKIPPED, FileImport, FileTally, prepare_import
from portal.imports.files.content import UnreadableFile
from portal.imports.files.table import open_table
from portal.imports.notations import Notation, notation_of
from portal.imports.questions import Decisions, plan_file
from portal.imports.reports import examples
from portal.rules.periods import zone
from portal.rules.text import MAX_NAME, InvalidText, clean_line, counted
from portal.settings import settings

commands = typer.Typer()

_COLUMNS = {
    "Accepted": Result.ACCEPTED,
    "Duplicates": Result.DUPLICATE,
    "Unattributed": Result.UNATTRIBUTED,
    "Conflicts": Result.CONFLICT,
    "Rejected": Result.REJECTED,
    "Skipped": SKIPPED,
}


@dataclass(frozen=True, slots=True)
class _Options:
    """The parsed options of the command."""

    gateway: str | None
    decisions: Decisions
    dry_run: bool
    yes: bool
    again: bool


@commands.command(
    "usage",
    epilog=example(
        "portal import usage spend-logs.csv --dry-run",
        "portal import usage *.parquet --gateway litellm-2025 --map username=user",
        "portal import usage old.csv --timezone Europe/Berlin --locale de --set mode=native --before 2026-11-01",
        "portal import usage days.csv --aggregates --map prompt_tokens=input+cache_read --ignore-column audio",
    ),
)
def import_usage(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CSV, JSON or Parquet; also .gz.")],
    gateway: Annotated[
        str | None,
        typer.Option(help="To which gateway it belongs; made if need be. Default: the name of the format, or files."),
    ] = None,
    mapped: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=COLUMN",
            help="Which column says a field, a.b inside an object; counts of several columns are added with a+b; "
            f"FIELD= leaves it out. The fields are {', '.join(FIELDS)}.",
        ),
    ] = None,
    ignored: Annotated[
        list[str] | None,
        typer.Option("--ignore-column", metavar="COLUMN", help="A column that is no count, though it looks like one."),
    ] = None,
    aggregates: Annotated[
        bool, typer.Option("--aggregates", help="Store rows that are sums of many requests, each as one request.")
    ] = False,
    fixed: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="What is the same for all rows.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Time zone of instants without an offset, such as Europe/Berlin.")
    ] = None,
    locale: Annotated[
        str | None, typer.Option(metavar="LOCALE", help="Who wrote numbers and days, such as de, en-US or en-GB.")
    ] = None,
    before: Annotated[
        str | None,
        typer.Option(metavar="DAY|INSTANT", help="Skip requests from then on, as the gateway reports those itself."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything but store it.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Read files once more that were read to the end.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask on a terminal.")] = False,
) -> None:
    """Import requests from files.

    LiteLLM's spend logs and daily activity, New-API's and One-API's logs, usage of Cursor, OpenRouter, OpenAI,
    Anthropic's console and Admin API, Langfuse, Helicone and ccusage, and this portal's own export are recognised; of
    other files, the columns are guessed by their names. What was guessed is shown before anything is stored. LiteLLM's
    logs are attributed by API keys, and where these are not known here by the person's email address or user id.

    Nothing is stored while a question is open: rows that are sums of many requests, columns that look like counts and
    are not read, a total that contradicts them, days and numbers that can be read in two ways.

    An interrupted import continues where it stopped, and a file that is imported again counts nothing twice. But
    requests that a gateway has reported itself have other ids in its logs, and would be counted a second time: give the
    day since when it reports with --before. So would an export of this same portal. Two installations of a gateway need
    two names for --gateway, as the ids in their logs may be the same.

    The exit status is 0 when every row was taken, is kept for an administrator, or is about something else, and 1 when
    a row was rejected or a file cannot be read.
    """
    options = _Options(
        _gateway(gateway) if gateway else None,
        Decisions(
            chosen=_pairs(mapped, "--map"),
            fixed=_pairs(fixed, "--set"),
            ignored=ignored or (),
            notation=_notation(locale) if locale else None,
            wall_zone=settings().budget_zone,
            zone=_zone(timezone),
            before=read_moment(before, "--before", settings().budget_zone) if before else None,
            aggregates=aggregates,
        ),
        dry_run,
        yes,
        again,
    )
    open_portal()
    tallies = [FileTally(str(file)) for file in files]
    failed = False
    for file, tally in zip(files, tallies, strict=True):
        try:
            _import_file(file, options, tally)
        except (PortalError, OSError) as error:
            note(_complaint(file, error))
            failed = True
        except KeyboardInterrupt:
            note("Stopped. Run the same command again, and it continues from here.")
            raise typer.Exit(130) from None
    _show(tallies, dry_run=dry_run)
    if failed or any(tally.results[Result.REJECTED] for tally in tallies):
        raise typer.Exit(1)


def _import_file(file: Path, options: _Options, tally: FileTally) -> None:
    """Import one file. Raises PortalError and OSError."""
    table = open_table(file)
    with progress(f"Looking at {file.name}", table.total) as advance:
        plan = plan_file(table, options.decisions, utc_now(), advance)
    importing = prepare_import(table, plan, options.gateway, dry_run=options.dry_run)
    _show_plan(importing)
    importing.check_sample()
    past = importing.progress()
    if past and past.position == DONE and not options.again:
        note(f"{file} was imported before, with all of its {counted(past.rows, 'row')}. --again reads it once more.")
        return
    if not (options.yes or options.dry_run) and can_ask():
        typer.confirm("Import it like this?", abort=True, err=True)
    start = past.rows if past and past.position != DONE else 0
    if start:
        note(f"{counted(start, 'row was', 'rows were')} imported before; continuing from there.")
    with progress(file.name, table.total) as advance:
        importing.run(actor(), start, tally, advance)


def _show_plan(importing: FileImport) -> None:
    """Write the plan to stderr: each field with its column and its value in the first row."""
    table, plan = importing.table, importing.plan
    first = next((row for row in table.sample if isinstance(row, dict)), {})
    lines = [("Field", "Column", "First row"), *examples(first, plan)]
    widths = [max(len(line[place]) for line in lines) for place in (0, 1)]
    note(f"{table.path}: {table.kind.value}, {plan.format.name}, for the gateway {importing.gateway}.")
    for name, column, value in lines:
        note(f"  {name:{widths[0]}}  {column:{widths[1]}}  {value}".rstrip())
    for line in _remarks(plan):
        note(f"  {line}")


def _remarks(plan: Plan) -> Iterator[str]:
    """Yield sentences about the other decisions of a plan."""
    if "id" not in plan.columns:
        yield "There is no id column: all values of a row are its id."
    if plan.notation.marks:
        yield f"Numbers have a {plan.notation.marks.name.lower()} before their decimals."
    if plan.zone and plan.zone is not plan.format.zone:
        yield f"Instants without an offset are in {plan.zone}."
    if plan.notation.order:
        yield f"Days are written {' '.join(plan.notation.order.value.upper())}."
    if plan.beside is not None and plan.caches:
        yield f"Cached tokens are {'counted beside the prompt' if plan.beside else 'part of the prompt'}."


def _show(tallies: Sequence[FileTally], *, dry_run: bool) -> None:
    for tally in tallies:
        for (result, reason), (times, first) in tally.reasons.items():
            note(f"{tally.file}: {times:,} {result}, the first is row {first:,}: {reason}")
    show_table(("File", *_COLUMNS), [(t.file, *(t.results[key] for key in _COLUMNS.values())) for t in tallies])
    if dry_run:
        note("This was a dry run: nothing was stored.")


def _complaint(file: Path, error: Exception) -> str:
    match error:
        case OSError():
            return f"portal: {sentence(error)}"  # it names the file
        case UnreadableFile():
            return f"portal: {file} {error}"
        case _:
            return f"portal: {file}: {sentence(error)}"


def _pairs(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts or ()]
    if not all(name and equals for name, equals, _ in pairs):
        raise typer.BadParameter("say it as FIELD=…", param_hint=option)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _gateway(name: str) -> str:
    try:
        return clean_line(name, "the name", MAX_NAME)
    except InvalidText as error:
        raise typer.BadParameter(str(error), param_hint="--gateway") from None


def _notation(locale: str) -> Notation:
    try:
        return notation_of(locale)
    except ValueError:
        raise typer.BadParameter(f"there is no locale called {locale}", param_hint="--locale") from None


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return zone(name) if name else None
    except ValueError:
        raise typer.BadParameter(f"there is no time zone called {name}", param_hint="--timezone") from None
