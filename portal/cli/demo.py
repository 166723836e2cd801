"""`portal demo`: the portal with sample accounts and a simulated gateway."""

import contextlib
import os
from typing import Annotated

import typer

from portal.cli.console import create_portal, example, progress
from portal.cli.serve import Port, override, run_server
from portal.clock import utc_now
from portal.db.sql.schema import pin_budget_timezone
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.demo.address import address, free_port, loopback
from portal.demo.directory import own_directory
from portal.demo.gateway import simulated_gateway
from portal.demo.history import make_history
from portal.demo.people import ADMIN, OWNER, PASSWORD
from portal.demo.prepare import fresh_token, is_empty, prepare, prepared_seed
from portal.errors import Conflict
from portal.settings import settings

commands = typer.Typer()


@commands.command(epilog=example("portal demo", "portal demo --port 8081 --seed 7"))
def demo(
    port: Port = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides what the made-up people have done.")] = 1,
    keep: Annotated[bool, typer.Option("--keep", help="Go on with the database of the last demo.")] = False,
) -> None:
    """Serve a portal of made-up people.

    It has sample accounts, 90 days of history and a simulated gateway that goes on, and listens on this machine alone.
    Its database lies in the directory demo inside PORTAL_DATA_DIR and is made afresh each time, unless --keep is
    given. A database that PORTAL_DATABASE_URL names is filled when it is empty, and never emptied.
    """
    host = loopback(settings().host)
    listening = free_port(host, settings().port if port is None else port)
    directory = settings().data_dir / "demo"
    with own_directory(directory, keep=keep):
        override(PORTAL_PORT=listening, PORTAL_DATA_DIR=directory.absolute())
        if "PORTAL_ORGANISATION" not in os.environ:
            override(PORTAL_ORGANISATION="Lahn Institute (demo)")
        shown_seed = _prepare(seed)
        token = run_in_transaction(fresh_token, utc_now())
        url = address(host, listening)
        with simulated_gateway(url, shown_seed, token), contextlib.suppress(KeyboardInterrupt):
            run_server(access_log=False, ready=lambda: typer.echo(_welcome(url)))


def _prepare(seed: int) -> int:
    """Fill the database unless it has a demo already; return the seed. Raises Conflict if it has other accounts."""
    database = create_portal()
    settings().adopt_zone(pin_budget_timezone(database, settings().budget_timezone))
    kept = run_in_reading(prepared_seed)
    if kept is not None:
        return kept
    if not run_in_reading(is_empty):
        raise Conflict("PORTAL_DATABASE_URL names a database that has accounts. The demo fills only an empty one.")
    now, tz = utc_now(), settings().budget_zone
    history = make_history(seed, now, tz)
    with progress("Making up 90 days", len(history)) as advance, database.transaction() as session:
        prepare(session, seed, history, now, tz, advance)
    return seed


def _welcome(url: str) -> str:
    where = "PORTAL_DATABASE_URL" if settings().database_url else f"{settings().data_dir}, made afresh without --keep"
    return "\n".join(
        (
            "",
            "MoE Portal with made-up people and numbers",
            f"  Open     {url}",
            f"  Sign in  {OWNER} or {ADMIN}, password {PASSWORD}",
            f"  Data     {where}",
            "  Traffic  a simulated gateway reports requests every few seconds",
            "  Stop     Ctrl+C",
            "",
        )
    )
