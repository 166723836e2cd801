"""`portal import usage`: requests from files that other programs export."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.orm import Session

from portal.actions.gateways import import_gateway
from portal.actions.usage import Outcome, Result, record_usage
from portal.cli.console import actor, can_ask, example, note, open_portal, progress, read_moment, sentence, show_table
from portal.clock import utc_now
from portal.db.audit import add_entry
from portal.db.gateways import gateway_named
from portal.db.imports import Progress, import_progress, note_import_progress
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.db.uncounted import Uncounted, count_uncounted
from portal.errors import InvalidInput, PortalError
from portal.gateways.count_names import Part, part_named
from portal.imports.columns import FIELDS, Plan, Skipped, examples, read_reports
from portal.imports.examination import Decisions, examine
from portal.imports.files import Table, Unreadable, open_table, read_rows
from portal.imports.notations import Notation, notation_of
from portal.rules.periods import zone
from portal.rules.text import MAX_NAME, InvalidText, clean_line, counted
from portal.rules.usage import Rejected, Replay, UsageReport
from portal.settings import settings

commands = typer.Typer()

BATCH = 1_000
"""Rows that are stored in one transaction."""
DONE = "done"

_SKIPPED = "skipped"
_COLUMNS = {
    "Accepted": Result.ACCEPTED,
    "Duplicates": Result.DUPLICATE,
    "Unattributed": Result.UNATTRIBUTED,
    "Conflicts": Result.CONFLICT,
    "Rejected": Result.REJECTED,
    "Skipped": _SKIPPED,
}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the options say."""

    gateway: str | None
    decisions: Decisions
    dry_run: bool
    yes: bool
    again: bool


@dataclass(slots=True)
class _Tally:
    """What became of the rows of a file; of each reason how often it was given, and for which row first."""

    file: str
    results: Counter[str] = field(default_factory=Counter)
    reasons: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def add(self, row: int, result: str, reason: str | None) -> None:
        self.results[result] += 1
        if reason:
            times, first = self.reasons.get((result, reason), (0, row))
            self.reasons[result, reason] = times + 1, first


@dataclass(frozen=True, slots=True)
class _Target:
    """Where the reports of a file go; `source` is the name under which it is noted how far that has come."""

    gateway: str
    mode: str
    source: str
    dry_run: bool


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
        bool, typer.Option("--aggregates", help="Store rows that stand for many requests, each as one request.")
    ] = False,
    fixed: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="What is the same for all rows.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Where clocks without an offset stand, such as Europe/Berlin.")
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
    logs go by API keys, and where those are not known here by the person's email address or user id.

    Nothing is stored while a question is open: rows that stand for many requests, columns that look like counts and are
    not read, a total that contradicts them, days and numbers that can be read in two ways.

    An import that was interrupted goes on where it was, and a file that is imported again counts nothing twice. But
    requests that a gateway has reported itself have other ids in its logs, and would be counted a second time: say with
    --before since when it reports. So would an export of this same portal. Two installations of a gateway need two
    names for --gateway, as the ids in their logs may be the same.

    The exit status is 0 when every row was taken, is kept for an administrator, or is about something else, and 1 when
    a row was rejected or a file cannot be read.
    """
    wanted = _Wanted(
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
    tallies = [_Tally(str(file)) for file in files]
    failed = False
    for file, tally in zip(files, tallies, strict=True):
        try:
            _import_file(file, wanted, tally)
        except (PortalError, OSError) as error:
            note(_complaint(file, error))
            failed = True
        except KeyboardInterrupt:
            note("Stopped. Run the same command again, and it goes on from here.")
            raise typer.Exit(130) from None
    _show(tallies, dry_run=dry_run)
    if failed or any(tally.results[Result.REJECTED] for tally in tallies):
        raise typer.Exit(1)


def _import_file(file: Path, wanted: _Wanted, tally: _Tally) -> None:
    """Import one file. Raises PortalError and OSError."""
    table = open_table(file)
    with progress(f"Looking at {file.name}", table.total) as advance:
        how = examine(table, wanted.decisions, utc_now(), advance)
    target = _target(table, how, wanted)
    _show_plan(table, how, target)
    _try_sample(table, how, target)
    past = None if wanted.dry_run else run_in_reading(import_progress, target.source)
    if past and past.position == DONE and not wanted.again:
        note(f"{file} was imported before, with all of its {counted(past.rows, 'row')}. --again reads it once more.")
        return
    if not (wanted.yes or wanted.dry_run) and can_ask():
        typer.confirm("Import it so?", abort=True, err=True)
    start = past.rows if past and past.position != DONE else 0
    if start:
        note(f"{counted(start, 'row was', 'rows were')} imported before; going on from there.")
    with progress(file.name, table.total) as advance:
        rows = read_rows(table, how.needs, advance)
        end = _bring(islice(read_reports(rows, how, target.mode), start, None), start, target, tally)
    if not wanted.dry_run:
        run_in_transaction(_finish, target, end, tally)


def _target(table: Table, how: Plan, wanted: _Wanted) -> _Target:
    name = wanted.gateway or how.format.gateway
    found = run_in_reading(gateway_named, name)
    with table.path.open("rb") as content:
        mark = hashlib.file_digest(content, "sha256").hexdigest()
    source = f"usage file {mark} {how.digest()} {name}"
    return _Target(name, found.mode if found else "native", source, wanted.dry_run)


def _try_sample(table: Table, how: Plan, target: _Target) -> None:
    """Read the first rows, before any is stored. Raises InvalidInput where not one of them can be taken."""
    reports = list(read_reports(table.sample, how, target.mode))
    reasons = Counter(report.reason for report in reports if isinstance(report, Rejected))
    if reports and reasons.total() == len(reports):
        first = counted(len(reports), "row")
        raise InvalidInput(f"Not one of the first {first} can be taken. {reasons.most_common(1)[0][0]}")


def _bring(
    reports: Iterator[UsageReport | Rejected | Skipped | Replay], start: int, target: _Target, tally: _Tally
) -> int:
    """Store reports in batches, and tally what became of them; return how many rows there are."""
    row = start
    while batch := list(islice(reports, BATCH)):
        events = [report for report in batch if isinstance(report, UsageReport)]
        replays = sum(isinstance(report, Replay) for report in batch)
        outcomes = iter(run_in_transaction(_store, target, events, replays, row + len(batch), utc_now()))
        for report in batch:
            row += 1
            match report:
                case Rejected():
                    tally.add(row, Result.REJECTED, report.reason)
                case Skipped():
                    tally.add(row, _SKIPPED, report.reason)
                case Replay():
                    tally.add(row, _SKIPPED, "replays, which repeat the usage of an earlier call")
                case _:
                    outcome = next(outcomes)
                    tally.add(row, outcome.result, outcome.error)
    return row


def _store(
    session: Session, target: _Target, events: Sequence[UsageReport], replays: int, rows: int, now: datetime
) -> list[Outcome]:
    """Store events, how many replays were among them, and how many rows of their file have been read by now.

    A dry run takes it back, so that it tells duplicates of what is stored, and of rows of the same batch alone.
    """
    found = import_gateway(session, actor(), target.gateway, now)
    outcomes = record_usage(session, found.id, events, settings().budget_zone, now)
    count_uncounted(session, found.id, Uncounted(replays=replays), now)
    note_import_progress(session, target.source, Progress("", rows), now)
    if target.dry_run:
        session.rollback()
    return outcomes


def _finish(session: Session, target: _Target, rows: int, tally: _Tally) -> None:
    now = utc_now()
    note_import_progress(session, target.source, Progress(DONE, rows), now)
    counts = {str(result): times for result, times in sorted(tally.results.items())}
    add_entry(session, actor(), "usage.import", now, gateway=target.gateway, file=tally.file, **counts)


def _show_plan(table: Table, how: Plan, target: _Target) -> None:
    """Say on stderr what is about to be read as what."""
    first = next((row for row in table.sample if isinstance(row, dict)), {})
    lines = [("Field", "Column", "First row"), *examples(first, how)]
    widths = [max(len(line[place]) for line in lines) for place in (0, 1)]
    note(f"{table.path}: {table.kind.value}, {how.format.name}, for the gateway {target.gateway}.")
    for name, column, value in lines:
        note(f"  {name:{widths[0]}}  {column:{widths[1]}}  {value}".rstrip())
    for line in _remarks(how):
        note(f"  {line}")


def _remarks(how: Plan) -> Iterator[str]:
    """Yield what else is decided about how a file is read."""
    if "id" not in how.columns:
        yield "There is no id: rows are told apart by all that they say."
    if how.notation.marks:
        yield f"Numbers have a {how.notation.marks.name.lower()} before their decimals."
    if how.zone and how.zone is not how.format.zone:
        yield f"Clocks without an offset stand in {how.zone}."
    if how.notation.order:
        yield f"Days are written {' '.join(how.notation.order.value.upper())}."
    if how.beside is not None and any(part_named(name) in {Part.CACHED, Part.WRITTEN} for name in how.counts):
        yield f"Cached tokens are {'counted beside the prompt' if how.beside else 'part of the prompt'}."


def _show(tallies: Sequence[_Tally], *, dry_run: bool) -> None:
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
        case Unreadable():
            return f"portal: {file} {error}"
        case _:
            return f"portal: {file}: {sentence(error)}"


def _pairs(said: Sequence[str] | None, option: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in said or ()]
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
