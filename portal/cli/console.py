"""What the commands share: opening the database, asking, answering and failing."""

import getpass
import logging
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError
from sqlalchemy.orm import Session
from typer.core import TyperGroup

from portal.db.accounts import account_called
from portal.db.schema import WrongDatabase, check_budget_timezone, migrate
from portal.db.session import Database, open_database
from portal.db.tables import Account
from portal.errors import NotFound, PortalError, Unavailable
from portal.rules.instants import InvalidInstant, parse_instant
from portal.rules.periods import end_of_day, start_of_day
from portal.rules.text import MAX_PASSWORD
from portal.rules.usage import InvalidFilter, parse_day
from portal.settings import settings

MISSING_DRIVERS = {"psycopg", "psycopg_pool"}
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class PortalCommands(TyperGroup):
    """Turns every failure that can be expected into one sentence on stderr and exit status 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # the reader of our output has enough; typer ends quietly
        except (PortalError, WrongDatabase, OSError) as error:
            failure: Exception = error
        except (OperationalError, InterfaceError, ArgumentError, ValidationError) as error:
            failure = error
        except ModuleNotFoundError as error:
            if error.name not in MISSING_DRIVERS:
                raise
            failure = error
        typer.echo(f"portal: {sentence(failure)}", err=True)
        raise typer.Exit(1)


def sentence(error: Exception) -> str:
    """Return what an expected failure says to an operator."""
    match error:
        case Unavailable():
            said = f"The database cannot be used right now: {reason(error.__cause__)}."
        case OperationalError() | InterfaceError():
            said = f"The database cannot be reached: {reason(error)}."
        case ArgumentError():
            said = "PORTAL_DATABASE_URL is not the address of a database, such as postgresql://user@host/name."
        case ModuleNotFoundError():
            said = "The driver for PostgreSQL is missing. Install it: pip install 'moe-portal[postgres]'"
        case ValidationError():
            problem = error.errors(include_input=False, include_url=False)[0]
            name = "_".join(map(str, problem["loc"])).upper()
            said = f"PORTAL_{name}: {problem['msg'].removeprefix('Value error, ')}."
        case OSError():
            said = f"{error.strerror or type(error).__name__}: {error.filename}." if error.filename else f"{error}."
        case _:
            said = str(error)
    return said


def reason(error: BaseException | None) -> str:
    """Return the first line of what a database driver said."""
    said = str(getattr(error, "orig", None) or error).strip().splitlines()
    return said[0].rstrip(".") if said else type(error).__name__


def open_portal(*, check_zone: bool = True) -> Database:
    """Open the configured database and bring it up to date. Raises WrongDatabase."""
    logging.basicConfig(level=logging.ERROR, format="%(message)s")  # failures say it themselves
    chosen = settings()
    if chosen.database_url is None:
        chosen.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    opened = open_database(chosen.url, chosen.database_pool)
    migrate(opened)
    if check_zone:
        check_budget_timezone(opened, chosen.budget_timezone)
    return opened


def actor() -> str:
    """Return whom the audit log names for what a command changes."""
    try:
        return f"command line ({getpass.getuser()})"
    except (KeyError, OSError):  # containers may run as a user without a name
        return "command line"


def owner(session: Session, name: str) -> Account:
    """Return the account with this user name or email address. Raises NotFound."""
    found = account_called(session, name)
    if found is None:
        raise NotFound(f"There is no account called {name}.")
    return found


def _username(text: str) -> str:
    return text.strip().lower()


UserName = Annotated[
    str, typer.Argument(metavar="NAME", help="User name or email address of the account.", parser=_username)
]


def example(*lines: str) -> str:
    """Return an epilog with commands that help does not wrap."""
    return "\b\n" + "\n".join(["Example:", *(f"  {line}" for line in lines)])


def note(text: str) -> None:
    """Say something to the person, beside the answer."""
    typer.echo(text, err=True)


def read_password(*, from_stdin: bool) -> str:
    """Return a password: the first line of stdin, or typed twice on a terminal."""
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
    """Read a day of `tz`, for its first (or, with `end`, its last) instant, or an instant with an offset."""
    try:
        if not _DAY.fullmatch(text):
            return parse_instant(text)
        day = parse_day(text, option)
    except (InvalidInstant, InvalidFilter) as error:
        raise typer.BadParameter(f"{error} A day looks like 2026-12-01.", param_hint=option) from None
    return end_of_day(day, tz) if end else start_of_day(day, tz)


def shown(instant: datetime | None) -> str:
    """Return an instant as it stands in tables."""
    return "–" if instant is None else f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def shown_tokens(tokens: int | None) -> str:
    """Return an amount of tokens as it stands in sentences; None is no limit."""
    return "none" if tokens is None else f"{tokens:,}"


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Show rows on stdout: as a table to a person, with tabs between the cells to a program."""
    if sys.stdout.isatty():
        table = Table(*columns, box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for row in rows:
            table.add_row(*(Text(str(cell)) for cell in row))  # Text: brackets in labels are no markup
        Console().print(table)
        return
    for row in (columns, *rows):
        typer.echo("\t".join(map(str, row)))


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal's stderr while something long runs; call what is given with each amount done."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)
