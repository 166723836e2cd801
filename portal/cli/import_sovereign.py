"""`portal import moe-sovereign` and `portal follow moe-sovereign`: import the database of a MoE Sovereign."""

import os
import signal
import sys
import time
from typing import Annotated

import typer

from portal.cli.console import actor, example, note, open_portal, progress, sentence, show_table, shown
from portal.clock import utc_now
from portal.errors import Unavailable
from portal.imports.sovereign.run import SovereignImport
from portal.imports.sovereign.source import SourceSnapshot, SourceUnavailable, open_source
from portal.rules.metering.imports import ImportKind, ImportOutcome, Tally
from portal.settings import read_secret_file

commands = typer.Typer()
follow = typer.Typer(help="Keep importing what another system adds.", no_args_is_help=True)

SHARE = 10
"""After a pass, a follower pauses this many times the duration of the pass, to limit the load on the database."""
LONGEST_REST = 60
"""The most seconds of such a pause, since the first pass may take long."""
LONGEST_PAUSE = 300
"""The most seconds between two tries while a database is unavailable."""

Address = Annotated[
    str | None,
    typer.Argument(
        metavar="POSTGRES_URL|-",
        envvar="PORTAL_IMPORT_URL",
        help="Address of its database. Others on this machine can see arguments: put an address with a password into "
        "the variable (or the name of a file with it into PORTAL_IMPORT_URL_FILE), or send it to stdin and say -.",
    ),
]
GatewayName = Annotated[
    str,
    typer.Option(
        "--gateway", metavar="NAME", help="Gateway under which its usage is stored; created if there is none."
    ),
]


@commands.command(
    "moe-sovereign",
    epilog=example(
        "portal import moe-sovereign postgresql://moe_admin@127.0.0.1:5433/moe_userdb",
        "echo postgresql://moe_admin:secret@127.0.0.1:5433/moe_userdb | portal import moe-sovereign -",
    ),
)
def import_moe_sovereign(
    address: Address = None,
    gateway: GatewayName = "moe-sovereign",
    again: Annotated[
        bool,
        typer.Option("--again", help="Read all usage again, for instance after making accounts that were missing."),
    ] = False,
) -> None:
    """Import people, API keys, budgets, expert templates, usage and notes from a MoE Sovereign.

    Passwords and keys keep working. Nothing that is here already is changed. It can be interrupted and repeated at any
    time, while both run: nothing is lost or counted twice. Its database is only read.
    """
    importing = SovereignImport(actor(), gateway, again=again, bar=progress)
    url = _address(address)
    open_portal()
    with open_source(url) as snapshot:
        _note_missing_columns(snapshot)
        tally = importing.run(snapshot)
    importing.add_audit_entry(snapshot, tally)
    show_table(("What", "Imported", "Already here", "Not imported"), tally.rows())
    for line in tally.sentences():
        note(line)


@follow.command(
    "moe-sovereign",
    epilog=example("PORTAL_IMPORT_URL=postgresql://moe_admin:secret@127.0.0.1:5433/moe_userdb \\",
                   "  portal follow moe-sovereign"),
)  # fmt: skip
def follow_moe_sovereign(
    address: Address = None,
    gateway: GatewayName = "moe-sovereign",
    every: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, max=3600, help="How often to look at least, if that is quick.")
    ] = 10,
) -> None:
    """Import from a MoE Sovereign, and keep importing new data until it is stopped.

    Waits while one of the databases is unavailable.
    """
    following = SovereignImport(actor(), gateway)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: following.stop.set())
    url = _address(address)
    open_portal()
    noted: set[str] = set()
    failures = 0
    while not following.stop.is_set():
        began = time.monotonic()
        try:
            with open_source(url) as snapshot:
                _report(following.run(snapshot), noted)
            failures, pause = 0, max(every, min(SHARE * (time.monotonic() - began), LONGEST_REST))
        except (SourceUnavailable, Unavailable) as error:
            pause = min(every * 2**failures, LONGEST_PAUSE)
            failures = min(failures + 1, 20)
            note(f"{shown(utc_now())}: {sentence(error)} Trying again in {pause:.0f} s.")
        following.stop.wait(pause)


def _address(given: str | None) -> str:
    """Return the address from the argument, stdin or a file. Raises BadParameter and WrongSettings."""
    if given is not None:
        return sys.stdin.readline() if given == "-" else given
    file = os.environ.get("PORTAL_IMPORT_URL_FILE")
    if not file:
        raise typer.BadParameter("say which database to read", param_hint="POSTGRES_URL")
    return read_secret_file("PORTAL_IMPORT_URL_FILE", file)


def _note_missing_columns(snapshot: SourceSnapshot) -> None:
    if missing := snapshot.missing():
        note(f"Its database has no {', '.join(missing)}; data of these is not imported.")


def _report(tally: Tally, noted: set[str]) -> None:
    """Write the number of imported rows, and each new reason why something was not imported."""
    imported = [kind.counted(count) for kind in ImportKind if (count := tally.counts[kind, ImportOutcome.IMPORTED])]
    if imported:
        note(f"{shown(utc_now())}: imported {', '.join(imported)}.")
    for kind, outcome, reason in tally.reasons:
        if (line := f"{kind}: {reason}") not in noted and outcome is not ImportOutcome.PRESENT:
            noted.add(line)
            note(line)
