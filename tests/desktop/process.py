"""The desktop program without its window, as a program of its own, with the programs that its person connects."""

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.actions.metering.gateways import connect_program
from portal.actions.metering.verification import verify_account
from portal.clock import utc_now
from portal.db.metering.held import held_events
from portal.db.metering.usage import UsageRow
from portal.db.people.accounts import account_named
from portal.db.sql.schema import pinned_budget_timezone
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.rules.metering.programs import Program
from portal.rules.metering.usage import UsageFilter
from portal.rules.people.accounts import LOCAL
from portal.views.metering.usage import load_usage
from tests.cast import acting, viewer_of
from tests.desktops import use_desktop
from tests.portals import Process


@dataclass(frozen=True, slots=True)
class Desktop:
    """A running desktop program, and its database."""

    process: Process
    url: str
    database: Database

    def token(self, program: Program) -> str:
        """Connect a program, as a click on the page does; return its token."""
        use_desktop()
        with self.database.transaction() as session:
            return connect_program(session, acting(self._local(session)), program, utc_now()).token or ""

    def rows(self, program: Program) -> list[UsageRow]:
        """Return what the person sees of a program in Usage History."""
        with self.database.reading() as session:
            viewer = viewer_of(self._local(session))
            zone = ZoneInfo(pinned_budget_timezone(session) or "UTC")
            rows = load_usage(session, viewer, UsageFilter(mode=program), utc_now(), 50, None).rows
            assert held_events(session) == []
            assert list(verify_account(session, viewer.id, zone)) == []
            return list(rows)

    def stop(self) -> None:
        """End the program."""
        self.process.stop()
        self.database.close()

    def _local(self, session: Session) -> Account:
        found = account_named(session, LOCAL)
        assert found is not None
        return found


def start_desktop(directory: Path) -> Desktop:
    """Start the desktop program with its data below `directory`, and wait until it is ready."""
    data = directory / "data"
    process = Process(directory, Path("-m"), "portal", "desktop", "--no-window", "--data", str(data))
    url = process.wait_for(r"MoE Portal (http://\S+)/", seconds=60)
    return Desktop(process, url, Database(f"sqlite:///{data / 'portal.sqlite3'}"))
