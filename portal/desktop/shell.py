"""The run of the desktop program: port, server, window, end."""

import logging
import sys
from dataclasses import dataclass
from pathlib import Path

from portal.actions.setup import LocalPerson, open_local_session
from portal.clock import utc_now
from portal.db.sql.opening import open_or_create
from portal.db.sql.schema import pinned_budget_timezone
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.desktop.access import Access
from portal.desktop.pages import write_ticket_file
from portal.desktop.settings import DesktopSettings, desktop_settings
from portal.desktop.tickets import Tickets
from portal.settings import use
from portal.system import person
from portal.system.folders import user_data_folder
from portal.web.lifespan import failing_in_a_sentence
from portal.web.process import listen, prepare, server_of
from portal.web.server import build
from portal.web.startup import CannotStart, make_data_directory

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the command; None for the data means the user's folder, None for the port a free one."""

    data: Path | None = None
    port: int | None = None
    has_window: bool = True


def run(options: Options) -> int:
    """Serve the portal of this person until it ends; return the exit status."""
    try:
        _serve(options)
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _serve(options: Options) -> None:
    folder = (options.data or user_data_folder()).absolute()
    listener = listen("127.0.0.1", options.port or 0)
    port = listener.getsockname()[1]
    make_data_directory(folder)
    settings = _settings(folder, port)
    use(settings)
    prepare(settings, access_log=False)
    local = LocalPerson(person.user_name(), person.language(), person.time_zone())
    token = run_in_transaction(open_local_session, local, utc_now()).token
    tickets = Tickets()

    def announce() -> None:
        sys.stdout.write(f"MoE Portal http://127.0.0.1:{port}/\n")
        if not options.has_window:
            sys.stdout.write(f"ticket {write_ticket_file(folder, port, tickets.issue())}\n")
        sys.stdout.flush()

    app = Access(build(settings), port, tickets, token)
    server_of(app, settings, announce).run_until_signal(listener)


def _settings(folder: Path, port: int) -> DesktopSettings:
    """Open the database, and return the settings with its budget zone: that of the machine at the first start."""
    settings = desktop_settings(folder, port, person.time_zone())
    with failing_in_a_sentence():
        open_or_create(settings.url, settings.database_pool)
        pinned = run_in_reading(pinned_budget_timezone)
    return settings.model_copy(update={"budget_timezone": pinned}) if pinned else settings
