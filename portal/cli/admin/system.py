"""`portal system`: the state of the portal."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from portal.actions.notifications import send_installation_test
from portal.backups.schedule import last_backup
from portal.cli.console import actor, example, open_portal, show_table, shown
from portal.cli.listing import AsJson, answer, show_json
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.rules.notifications import Channel
from portal.views.system import SystemView, load_system

commands = typer.Typer(help="The state of the portal.", no_args_is_help=True)


@commands.command(
    epilog=answer(
        "portal system show --json",
        fields="version, database, verification, verifying_since, mails, gateways, sessions, jobs, channels, backup",
    )
)
def show(as_json: AsJson = False) -> None:
    """Show version, database, last verification, mails, gateways, jobs, backups and channels."""
    open_portal()
    view, backup = run_in_reading(load_system, actor(), utc_now()), run_in_reading(last_backup)
    if as_json:
        last = {"state": backup[0], "started_at": backup[1]} if backup else None
        show_json(asdict(view) | {"backup": last})
        return
    last_text = f"{backup[0]}, begun {shown(backup[1])}" if backup else "never"
    show_table(("Part", "State"), [*_rows(view), ("Scheduled backup", last_text)])


def _rows(view: SystemView) -> list[tuple[str, Any]]:
    last, base, mails = view.verification, view.database, view.mails
    schema = base.revision if base.revision == base.newest else f"{base.revision}, the program has {base.newest}"
    return [
        ("Version", view.version),
        ("Database", f"{base.kind}, {base.bytes:,} bytes, schema {schema}"),
        ("Verification", f"{shown(last.finished_at)}, {last.differences:,} differences" if last else "never"),
        *(("Difference", fault) for fault in (last.faults if last else ())),
        ("Messages", f"{mails.queued:,} wait, {mails.failed:,} given up in 30 days"),
        ("Sessions", f"{view.sessions:,}"),
        *((f"Gateway {each.name}", _at(each.reported_at)) for each in view.gateways),
        *((f"Job {each.job}", each.error or _at(each.finished_at)) for each in view.jobs),
        *((f"Channel {each.channel}", each.host or "not set") for each in view.channels),
    ]


def _at(instant: datetime | None) -> str:
    return shown(instant) if instant else "never"


@commands.command("test-channel", epilog=example("portal system test-channel webhook"))
def test_channel(
    channel: Annotated[Channel, typer.Argument(help="The channel of the settings PORTAL_NOTIFY_*.")],
) -> None:
    """Send a test to the webhook or chat service of the settings; a running portal delivers it."""
    open_portal()
    host = run_in_transaction(send_installation_test, actor(), channel, utc_now())
    typer.echo(f"Queued a test to {host}.")
