"""Measure the storing of usage in this process, compared with `executemany` of the same rows.

Both use separate databases on the same disk, with the same schema, indexes, accounts, library and settings. The floor
only stores the rows; the portal also looks up keys and ids, computes costs, and adds to all sums.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from portal.actions.metering.usage import Result, record_usage
from portal.clock import utc_now
from portal.db.sql.session import Database
from portal.db.tables import UsageEvent
from portal.rules.metering.usage import UsageReport
from tests.databases import Server
from tools.bench.figures import Figure, Goal, median, seconds
from tools.bench.premises import BUDGET_ZONE, Traffic, batches, prepare

COLUMNS = [column.name for column in UsageEvent.__table__.columns if column.name != "id"]
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Speed:
    """Events per second in one round, stored by the portal and by the floor."""

    ours: float
    floor: float


class Rivals:
    """The portal and its floor, with separate databases on the same disk."""

    def __init__(self, server: Server) -> None:
        """Create both databases."""
        self.url = server.new_url()
        self._ours, self._floor = Database(self.url), Database(server.new_url())
        self._premises = prepare(self._ours)
        prepare(self._floor)
        self._traffic = {scattered: Traffic(self._premises, scattered=scattered) for scattered in (False, True)}

    def round(self, events: int, size: int, *, scattered: bool = False) -> Speed:
        """Store the same new events in both databases, in batches of `size` with one commit each."""
        reports = batches(self._traffic[scattered].reports(events), size)
        ours = seconds(lambda: self._record(reports))
        rows = [self._rows(batch) for batch in reports]
        floor = seconds(lambda: self._insert(rows))
        return Speed(events / ours, events / floor)

    def close(self) -> None:
        """Close both databases."""
        self._ours.close()
        self._floor.close()

    def _record(self, reports: Sequence[Sequence[UsageReport]]) -> None:
        for batch in reports:
            with self._ours.transaction() as session:
                outcomes = record_usage(session, self._premises.gateway_id, batch, BUDGET_ZONE, utc_now())
            assert all(outcome.result is Result.ACCEPTED for outcome in outcomes)

    def _rows(self, reports: Sequence[UsageReport]) -> list[Row]:
        """Return the rows that the portal has stored, in the types of the driver."""
        mark = self._mark(self._ours)
        query = f"SELECT {', '.join(COLUMNS)} FROM usage_events WHERE external_id IN ({mark(len(reports))})"
        connection = self._ours.engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(query, [report.id for report in reports])
            rows = [tuple(row) for row in cursor.fetchall()]
            connection.rollback()
        finally:
            connection.close()
        assert len(rows) == len(reports)
        return rows

    def _insert(self, rows: Sequence[list[Row]]) -> None:
        marks = self._mark(self._floor)(len(COLUMNS))
        statement = f"INSERT INTO usage_events ({', '.join(COLUMNS)}) VALUES ({marks})"
        is_sqlite = self._floor.engine.dialect.name == "sqlite"
        connection = self._floor.engine.raw_connection()
        try:
            cursor = connection.cursor()
            for batch in rows:
                if is_sqlite:  # the engine of the portal does not begin transactions by itself
                    cursor.execute("BEGIN IMMEDIATE")
                cursor.executemany(statement, batch)
                connection.commit()
        finally:
            connection.close()

    @staticmethod
    def _mark(database: Database) -> Any:
        mark = "?" if database.engine.dialect.name == "sqlite" else "%s"
        return lambda count: ", ".join([mark] * count)


def measure(server: Server, kind: str, goals: dict[int, Goal], events: dict[int, int], rounds: int) -> list[Figure]:
    """Return events per second as the median of `rounds`; `events` has the events of a round by batch size."""
    rivals = Rivals(server)
    try:
        return [
            _measure(rivals, kind, size, count, rounds, goals.get(size), scattered=scattered)
            for size, count in events.items()
            for scattered in ((False, True) if size > 1 else (False,))
        ]
    finally:
        rivals.close()


def _measure(
    rivals: Rivals, kind: str, size: int, count: int, rounds: int, goal: Goal | None, *, scattered: bool
) -> Figure:
    rivals.round(min(count, 10 * size), size, scattered=scattered)  # statements are compiled once
    speeds = [rivals.round(count, size, scattered=scattered) for _ in range(rounds)]
    ours, floor = median([speed.ours for speed in speeds]), median([speed.floor for speed in speeds])
    name = f"Ingest in-process, {kind}, batches of {size}{', scattered' if scattered else ''}"
    return Figure(name, "events/s", ours, floor, "executemany of the rows", goal)
