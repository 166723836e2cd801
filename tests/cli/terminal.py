"""A terminal for the tests: commands are typed, and what they print is read as a program would."""

from typing import Any

from sqlalchemy import select
from typer.main import get_command
from typer.testing import CliRunner, Result

from portal.cli import app
from portal.db.people.accounts import account_named
from portal.db.sql.session import database, run_in_reading
from portal.db.tables import Account, AuditEntry


def commands() -> list[tuple[str, ...]]:
    """Return the words of every command."""
    root: Any = get_command(app)
    groups = {name: getattr(root.load(name), "commands", None) for name in root.commands}
    return [words for name, subs in groups.items() for words in ([(name, sub) for sub in subs] if subs else [(name,)])]


def portal(*words: str, typed: str | bytes | None = None) -> Result:
    """Type a command."""
    return CliRunner().invoke(app, words, input=typed, prog_name="portal", catch_exceptions=False)


def succeed(*words: str, typed: str | bytes | None = None) -> str:
    """Type a command that succeeds; return its stdout."""
    done = portal(*words, typed=typed)
    assert done.exit_code == 0, done.output
    return done.stdout


def fail(*words: str, typed: str | bytes | None = None) -> str:
    """Type a command that fails as expected; return its sentence."""
    return _only_sentence(portal("--quiet", *words, typed=typed), 1)


def find_nothing(*words: str) -> str:
    """Type a command for which there is no database; return its sentence."""
    return _only_sentence(portal(*words), 2)


def _only_sentence(done: Result, status: int) -> str:
    assert (done.exit_code, done.stdout) == (status, ""), done.output
    printed = done.stderr.splitlines()
    assert len(printed) == 1, done.stderr
    assert printed[0].startswith("portal: ")
    return printed[0].removeprefix("portal: ")


def misuse(*words: str, typed: str | bytes | None = None) -> str:
    """Run a command with wrong usage; return its error."""
    done = portal(*words, typed=typed)
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    return done.stderr


def rows(table: str) -> list[list[str]]:
    """Return the cells of a table as a program reads it, without its head."""
    return [line.split("\t") for line in table.splitlines()[1:]]


def the(username: str) -> Account:
    found = run_in_reading(account_named, username)
    assert found is not None
    return found


def audit() -> list[tuple[str, str]]:
    with database().reading() as session:
        return [(e.action, e.actor) for e in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
