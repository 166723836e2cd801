"""The root of the command line: lists all commands without importing them, and prints failures as one sentence.

Decision: `portal --help` and shell completion must be fast, so this module imports only typer. The module of a command
is imported when the command runs.
"""

from copy import copy
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """The location of a command: the Typer app `attribute` of `portal.cli.<module>`, with its help."""

    name: str
    module: str
    help: str
    is_group: bool = True
    attribute: str = "commands"

    def load(self) -> Any:
        """Import the module and return the command; its subcommands take --quiet."""
        found = getattr(import_module(f"portal.cli.{self.module}"), self.attribute)
        holder = typer.Typer(rich_markup_mode=None, add_completion=False)
        holder.add_typer(found, name=self.name if self.is_group else None)
        command: Any = get_group(holder).commands[self.name]
        _add_quiet(command)
        return command


ENTRIES = (
    CommandEntry("serve", "serve", "Serve the portal until it is stopped.", is_group=False),
    CommandEntry("demo", "demo", "Serve a portal of made-up people.", is_group=False),
    CommandEntry("desktop", "desktop", "Open the portal of one person on one machine, in a window.", is_group=False),
    CommandEntry("migrate", "migrate", "Migrate an existing database to the schema of this version.", is_group=False),
    CommandEntry("user", "accounts", "Accounts of the people who sign in."),
    CommandEntry("admin-token", "admin_tokens", "Admin tokens, with which programs administer the portal."),
    CommandEntry("key", "keys", "API keys, with which a person's programs reach the gateways."),
    CommandEntry("gateway", "gateways", "Gateways, and the tokens with which they report usage."),
    CommandEntry("budget", "budgets", "Budgets: limits in billable tokens."),
    CommandEntry("team", "admin.teams", "Teams: accounts with a shared budget, a cost centre and managers."),
    CommandEntry("request", "admin.requests", "Requests of people for more tokens."),
    CommandEntry("price", "prices", "The price book: EUR per billable token, by date."),
    CommandEntry("template", "templates", "Expert templates: models by category, and a cost factor."),
    CommandEntry("held", "held", "Events that could not be counted: of unknown keys and users, and contradictions."),
    CommandEntry("note", "admin.notes", "The notes of people on their requests; each search is audited."),
    CommandEntry("audit", "admin.audit", "The audit log: the changes that were made, with their actors."),
    CommandEntry("usage", "admin.usage", "Usage of the organisation."),
    CommandEntry("mail", "mails", "Mails that could not be sent."),
    CommandEntry("system", "admin.system", "The state of the portal."),
    CommandEntry("export", "exports", "Files with everything that the portal holds of a person."),
    CommandEntry("import", "imports", "Import from other systems."),
    CommandEntry("follow", "import_sovereign", "Keep importing what another system adds.", attribute="follow"),
    CommandEntry(
        "backup", "backup", "Write everything of the portal to one file; the portal may be running.", is_group=False
    ),
    CommandEntry("restore", "backup", "Create the database from a backup.", is_group=False),
    CommandEntry("verify", "maintenance", "Compare all sums with the stored events.", is_group=False),
    CommandEntry("rebuild", "maintenance", "Compute all sums again from the stored events.", is_group=False),
    CommandEntry(
        "prune", "maintenance", "Remove old data, in small batches; the portal may be running.", is_group=False
    ),
)


class NotLoaded(TyperCommand):
    """A command in lists and completion, before its module is imported."""

    def __init__(self, entry: CommandEntry) -> None:
        super().__init__(entry.name, help=entry.help, rich_markup_mode=None)
        self.entry = entry


class PortalCommands(TyperGroup):
    """All commands. An expected failure prints one sentence on stderr and exits with status 1 or 2."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for entry in ENTRIES:
            self.add_command(NotLoaded(entry))

    def load(self, name: str) -> Any:
        """Import a command and return it."""
        command = self.commands[name]
        if isinstance(command, NotLoaded):
            command = self.commands[name] = command.entry.load()
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the first argument names, and import it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, self.load(name) if name is not None else command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise  # exceptions of typer; a broken pipe means that the reader has stopped
        except Exception as error:
            from portal.cli.console import exit_status, is_expected, sentence  # noqa: PLC0415  # imported only after a failure

            if not is_expected(error):
                raise
            typer.echo(f"portal: {sentence(error)}", err=True)
            raise typer.Exit(exit_status(error)) from error


class _Quiet:
    """Whether --quiet was given."""

    is_wanted = False


def is_quiet() -> bool:
    """Return whether --quiet was given."""
    return _Quiet.is_wanted


def set_quiet(is_wanted: bool) -> None:
    """Store --quiet for the command that runs next."""
    _Quiet.is_wanted = is_wanted


def _add_quiet(command: Any) -> None:
    """Accept --quiet also after a command."""
    if isinstance(command, TyperGroup):
        for part in command.commands.values():
            _add_quiet(part)
        return
    quiet = copy(_quiet_option())
    quiet.expose_value = False
    command.params.append(quiet)


@cache
def _quiet_option() -> Any:
    carrier = typer.Typer(add_completion=False)
    carrier.callback()(_carry_quiet)
    return next(option for option in get_group(carrier).params if option.name == "quiet")


def _be_quiet(is_given: bool) -> bool:
    if is_given:
        set_quiet(True)
    return is_given


Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", callback=_be_quiet, help="Do not say on stderr which database is used."),
]


def _carry_quiet(quiet: Quiet = False) -> None:
    """Have the option, and do nothing."""
