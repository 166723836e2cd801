"""Measure the views of pages for an account with few and one with many events: the times should be equal."""

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from portal.clock import utc_now
from portal.db.metering.usage import Selection, position_of, usage_page
from portal.db.sql.session import Database
from portal.rules.metering.usage import Order, UsageFilter
from portal.settings import settings
from portal.views.dashboard import load_dashboard
from portal.views.metering.usage import _cursor, load_usage  # only the view knows the form of a cursor
from portal.views.people.accounts import Viewer
from portal.views.spending.billing import load_billing
from tools.bench.figures import Figure, at_most, median
from tools.bench.fill import DAYS, fill, size
from tools.bench.premises import prepare

ROWS = 50
FAR_ROWS, FAR_PAGE = 10, 1000
SMALLEST = FAR_ROWS * FAR_PAGE
"""The fewest events of an account with that page."""
KEYS = 5
View = Callable[[Session], Any]


@dataclass(frozen=True, slots=True)
class Filled:
    """An account with `events`, in a separate database."""

    events: int
    database: Database
    views: dict[str, View]
    filled_in: float

    def seconds(self, name: str) -> float:
        """Return how long a view takes to load."""
        started = time.perf_counter()
        with self.database.reading() as session:
            self.views[name](session)
        return time.perf_counter() - started


def measure(directory: Path, sizes: Sequence[int], rounds: int, say: Callable[[str], None]) -> list[Figure]:
    """Return the time of each view at each size, compared with the smallest, and the bytes of an event."""
    with ExitStack() as stack:
        accounts = []
        for events in sorted(sizes):
            there = stack.enter_context(tempfile.TemporaryDirectory(dir=directory))
            accounts.append(_filled(Path(there), events))
            stack.callback(accounts[-1].database.close)
            say(f"filled an account with {events:,} events in {accounts[-1].filled_in:.0f} s")
        found = []
        for name in accounts[0].views:
            found += _compare(name, accounts, rounds)
        return found + [_weight(filled) for filled in accounts]


def _filled(directory: Path, events: int) -> Filled:
    started = time.monotonic()
    database = Database(f"sqlite:///{directory / 'portal.sqlite3'}")
    premises = prepare(database, accounts=1, keys=KEYS)
    account_id = min(premises.keys)
    end = fill(database, premises, events, utc_now())
    viewer = _viewer(account_id)
    return Filled(events, database, _views(database, viewer, end), time.monotonic() - started)


def _views(database: Database, viewer: Viewer, now: datetime) -> dict[str, View]:
    """Return the views by name; the viewer's zone is Berlin, so that its days differ from budget days in UTC."""
    everything = UsageFilter(from_day=(now - timedelta(DAYS + 1)).date())
    far = _far_cursor(database, viewer, everything, now)
    return {
        "Dashboard": lambda session: load_dashboard(session, viewer.id, now),
        "Billing": lambda session: load_billing(session, viewer.id, now),
        "Usage, 7 days, page 1": lambda session: load_usage(session, viewer, UsageFilter(), now, ROWS),
        "Usage, 90 days, page 1": lambda session: load_usage(session, viewer, UsageFilter(range=90), now, ROWS),
        f"Usage, {DAYS} days, page {FAR_PAGE:,} of {FAR_ROWS} rows": lambda session: load_usage(
            session, viewer, everything, now, FAR_ROWS, far
        ),
    }


def _far_cursor(database: Database, viewer: Viewer, wanted: UsageFilter, now: datetime) -> str | None:
    """Return the cursor of a page far back, without loading the pages before it."""
    since, until = wanted.span(now, viewer.zone, settings().budget_zone)
    with database.reading() as session:
        before = usage_page(session, viewer.id, Selection(since, until), Order.NEWEST, SMALLEST - FAR_ROWS)
    assert len(before) == SMALLEST - FAR_ROWS, "there are too few events for that many pages"
    return _cursor(position_of(before[-1], Order.NEWEST), Order.NEWEST, backwards=False)


def _compare(name: str, accounts: Sequence[Filled], rounds: int) -> list[Figure]:
    """Measure a view for the accounts in turn; the first round only fills the caches."""
    times: dict[int, list[float]] = {filled.events: [] for filled in accounts}
    for _ in range(rounds + 1):
        for filled in accounts:
            times[filled.events].append(filled.seconds(name))
    medians = {events: median(measured[1:]) * 1000 for events, measured in times.items()}
    least = accounts[0].events
    found = [Figure(f"{name}, {least:,} events", "ms", medians[least])]
    for filled in accounts[1:]:
        goal = at_most(1.3) if filled is accounts[-1] else None
        figure = Figure(f"{name}, {filled.events:,} events", "ms", medians[filled.events], medians[least])
        found.append(Figure(figure.name, "ms", figure.value, figure.floor, f"{least:,} events", goal))
    return found


def _weight(filled: Filled) -> Figure:
    return Figure(f"Database with {filled.events:,} events", "bytes/event", size(filled.database) / filled.events)


def _viewer(account_id: int) -> Viewer:
    return Viewer(
        account_id, None, "person-0", "Person", "person-0@example.org", "user", "Europe/Berlin", "en", "system"
    )
