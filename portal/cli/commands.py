"""The root of the command line: lists all commands without importing them, and says failures in one sentence.

Decision: `portal --help` and shell completion must answer at once, so this module imports typer alone. The module of a
command is imported when the command runs.
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
    """Where a command is: the Typer app `attribute` of `portal.cli.<module>`, and the first sentence of its help."""

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
    CommandEntry("migrate", "migrate", "Migrate an existing database to the schema of this version.", is_group=False),
    CommandEntry("user", "accounts", "Accounts of the people who sign in."),
    CommandEntry("key", "keys", "API keys, with which a person's programs reach the gateways."),
    CommandEntry("gateway", "gateways", "Gateways, and the tokens with which they report usage."),
    CommandEntry("budget", "budgets", "Budgets: limits in billable tokens."),
    CommandEntry("price", "prices", "The price book: EUR per billable token, by date."),
    CommandEntry("template", "templates", "Expert templates: models by category, and a cost factor."),
    CommandEntry("held", "held", "Events that could not be counted: of unknown keys and users, and contradictions."),
    CommandEntry("mail", "mails", "Mails that could not be sent."),
    CommandEntry("import", "imports", "Import from other systems."),
    CommandEntry("follow", "import_sovereign", "Keep importing what another system adds.", attribute="follow"),
    CommandEntry("verify", "maintenance", "Compare all sums with the stored events.", is_group=False),
    CommandEntry("rebuild", "maintenance", "Compute all sums again from the stored events.", is_group=False),
    CommandEntry(
        "prune", "maintenance", "Remove old events, in small batches; the portal may be running.", is_group=False
    ),
)


class NotLoaded(TyperCommand):
    """A command in lists and completion, before its module is imported."""

    def __init__(self, entry: CommandEntry) -> None:
        super().__init__(entry.name, help=entry.help, rich_markup_mode=None)
        self.entry = entry


class PortalCommands(TyperGroup):
    """All commands. An expected failure becomes one sentence on stderr and exit status 1 or 2."""

    def __init__(self, **attributes: Any) -> None:
        """List the commands."""
        super().__init__(**attributes)
        for entry in ENTRIES:
            self.add_command(NotLoaded(entry))

    def load(self, name: str) -> Any:
        """Return a command, imported."""
        command = self.commands[name]
        if isinstance(command, NotLoaded):
            command = self.commands[name] = command.entry.load()
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that the first word names, and import it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, self.load(name) if name is not None else command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise  # typer's own; a broken pipe: the reader of the output has enough
        except Exception as error:
            from portal.cli.console import EXPECTED, exit_status, sentence  # noqa: PLC0415  # only when it has failed

            if not isinstance(error, EXPECTED):
                raise
            typer.echo(f"portal: {sentence(error)}", err=True)
            raise typer.Exit(exit_status(error)) from error


class _Silence:
    """Whether the command that runs keeps notes about itself to itself."""

    is_wanted = False


def is_quiet() -> bool:
    """Return whether --quiet was given."""
    return _Silence.is_wanted


def set_quiet(is_wanted: bool) -> None:  # the value of a flag
    """Remember --quiet for the command that is about to run."""
    _Silence.is_wanted = is_wanted


def _add_quiet(command: Any) -> None:
    """Accept --quiet after a command as well as before it."""
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
    """Exist for the option alone."""
