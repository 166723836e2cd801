"""Common parts of commands: opening the database, asking, printing results and failures."""

import getpass
import logging
import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError

from portal.cli.commands import is_quiet
from portal.db.sql.opening import MissingDatabase, migrate_existing, open_any, open_existing, open_or_create
from portal.db.sql.opening import shown as database_name
from portal.db.sql.schema import WrongDatabase, check_budget_timezone
from portal.db.sql.session import Database, run_in_reading
from portal.errors import PortalError, Unavailable
from portal.rules.instants import InvalidInstant, parse_instant
from portal.rules.metering.usage import InvalidFilter, parse_day
from portal.rules.people.actors import Actor, Means
from portal.rules.periods import end_of_day, start_of_day
from portal.rules.text import MAX_PASSWORD
from portal.settings import Settings, WrongSettings, explain, settings
from portal.views.people.accounts import AccountView, find_account

_WHOLE = re.compile(r"[0-9][0-9_]{0,24}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


_EXPECTED = (PortalError, WrongDatabase, WrongSettings, OSError, OperationalError, InterfaceError, ValidationError)


def is_expected(error: Exception) -> bool:
    """Return whether a failure prints one sentence. Every other failure is a bug and shows a traceback."""
    return isinstance(error, _EXPECTED) or (isinstance(error, DatabaseError) and "malformed" in str(error.orig))


def exit_status(error: Exception) -> int:
    """Return the exit status of an expected failure: 2 for a missing database, else 1."""
    return 2 if isinstance(error, MissingDatabase) else 1


def sentence(error: Exception) -> str:
    """Return the sentence of an expected failure."""
    match error:
        case Unavailable():
            text = f"The database cannot be used right now: {reason(error.__cause__)}."
        case OperationalError() | InterfaceError():
            text = f"The database cannot be reached: {reason(error)}."
        case DatabaseError():
            text = f"The database is damaged: {reason(error)}. `portal restore --replace FILE` restores a backup."
        case ValidationError():
            text = explain(error)
        case OSError():
            what = error.strerror or str(error) or type(error).__name__
            text = f"{what}: {error.filename}." if error.filename else f"{what}."
        case _:
            text = str(error)
    return text


def reason(error: BaseException | None) -> str:
    """Return the first line of the message of a database driver."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def open_portal(*, check_zone: bool = True) -> Database:
    """Open the configured database, and print its name. Raises WrongDatabase and MissingDatabase."""
    _log_little()
    chosen = settings()
    opened = open_existing(chosen.url, chosen.database_pool)
    _print_name(chosen)
    chosen.adopt_zone(check_budget_timezone(opened, chosen.budget_timezone if check_zone else None))
    return opened


def open_account(name: str) -> AccountView:
    """Open the database, and return the account with this user name or email address. Raises NotFound."""
    open_portal()
    return run_in_reading(find_account, name)


def create_portal() -> Database:
    """Open the configured database, create or migrate it if necessary, and print its name. Raises WrongDatabase."""
    _log_little()
    chosen = settings()
    if chosen.database_url is None:
        chosen.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    opened = open_or_create(chosen.url, chosen.database_pool)
    _print_name(chosen)
    chosen.adopt_zone(check_budget_timezone(opened, chosen.budget_timezone))
    return opened


def open_any_portal() -> Database:
    """Open the configured database, also with an older schema, and print its name. Raises as `open_portal`."""
    _log_little()
    chosen = settings()
    opened = open_any(chosen.url, chosen.database_pool)
    _print_name(chosen)
    return opened


def restored_address() -> str:
    """Return the address of the configured database, which may not exist yet, and print its name."""
    _log_little()
    chosen = settings()
    if chosen.database_url is None:
        chosen.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    _print_name(chosen)
    return chosen.url


def migrate_portal(keep_email: Collection[str]) -> tuple[str, str]:
    """Migrate the configured database; return its schema before and after.

    Raises the errors of `open_portal`, and SharedEmails. `keep_email` are user names of accounts
    that keep an email address which several accounts have.
    """
    _log_little()
    chosen = settings()
    revisions = migrate_existing(chosen.url, chosen.database_pool, keep_email)
    _print_name(chosen)
    return revisions


def _log_little() -> None:
    logging.basicConfig(level=logging.ERROR, format="%(message)s")  # commands print failures themselves


def _print_name(chosen: Settings) -> None:
    if not is_quiet():
        note(f"Database: {database_name(chosen.url)}")


def actor() -> Actor:
    """Return the user who runs the command, for the audit log."""
    try:
        return Actor(Means.COMMAND_LINE, getpass.getuser())
    except (KeyError, OSError):  # containers may run as a user without a name
        return Actor(Means.COMMAND_LINE)


def _username(text: str) -> str:
    return text.strip().lower()


UserName = Annotated[
    str, typer.Argument(metavar="NAME", help="User name or email address of the account.", parser=_username)
]


def example(*lines: str) -> str:
    """Return an epilog with example commands, which the help does not wrap."""
    return "\b\n" + "\n".join(["Example:", *(f"  {line}" for line in lines)])


def note(text: str) -> None:
    """Print a text for people on stderr."""
    typer.echo(text, err=True)


def can_ask() -> bool:
    """Return whether stdin and stderr are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def read_password(*, from_stdin: bool) -> str:
    """Return a password from the first line of stdin, or ask for it twice on a terminal."""
    if not from_stdin:
        if not sys.stdin.isatty():
            raise typer.BadParameter("there is no terminal to ask on; send the password to --password-stdin")
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt="Once more", err=True))
    line = sys.stdin.buffer.readline(MAX_PASSWORD * 8)
    try:
        return line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise typer.BadParameter("it is not UTF-8 text", param_hint="--password-stdin") from None


def read_moment(text: str, option: str, tz: ZoneInfo, *, end: bool = False) -> datetime:
    """Read an instant with an offset, or a day of `tz` as its first instant (with `end`, as its end)."""
    try:
        if not _DAY.fullmatch(text):
            return parse_instant(text)
        day = parse_day(text, option)
    except (InvalidInstant, InvalidFilter) as error:
        raise typer.BadParameter(f"{error} A day looks like 2026-12-01.", param_hint=option) from None
    return end_of_day(day, tz) if end else start_of_day(day, tz)


def shown(instant: datetime | None) -> str:
    """Return an instant for tables."""
    return "–" if instant is None else f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def read_limits(daily: str | None, monthly: str | None, total: str | None) -> dict[str, int | None]:
    """Return the limits that options set, by period; `none` is None. Raises BadParameter."""
    texts = {"daily": daily, "monthly": monthly, "total": total}
    return {period: _limit(text, f"--{period}") for period, text in texts.items() if text is not None}


def _limit(text: str, option: str) -> int | None:
    if text.lower() == "none":
        return None
    if not _WHOLE.fullmatch(text):
        raise typer.BadParameter("a limit is a whole number of tokens, or none", param_hint=option)
    return int(text.replace("_", ""))


def shown_tokens(tokens: int | None) -> str:
    """Return a limit in tokens for sentences; None means no limit."""
    return "none" if tokens is None else f"{tokens:,}"


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows on stdout: as a table on a terminal, else with tabs between the cells."""
    if sys.stdout.isatty():
        table = Table(*columns, box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for row in rows:
            table.add_row(*(Text(str(cell)) for cell in row))  # Text, so that brackets in labels are not read as markup
        Console().print(table)
        return
    for row in (columns, *rows):
        typer.echo("\t".join(map(str, row)))


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar if stderr is a terminal; call the yielded function with each finished amount."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)
