"""Import one usage file: check it as a whole first, then store its rows in batches.

Decision: an interrupted import continues after the last stored batch. The key of its progress is made of the digest of
the file's content, the digest of its plan, and the gateway's name; so a file may be moved or renamed.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from sqlalchemy.orm import Session

from portal.actions.metering.gateways import import_gateway
from portal.actions.metering.usage import Outcome, Result, record_usage
from portal.clock import utc_now
from portal.db.audit import add_entry
from portal.db.metering.gateways import gateway_named
from portal.db.metering.imports import Progress, import_progress, note_import_progress
from portal.db.metering.uncounted import Uncounted, count_uncounted
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.errors import InvalidInput
from portal.imports.columns import Plan
from portal.imports.files.content import Advance
from portal.imports.files.table import FileTable, read_rows
from portal.imports.reports import Skipped, read_reports
from portal.rules.metering.usage import Rejected, Replay, UsageReport
from portal.rules.people.actors import Actor
from portal.rules.text import counted
from portal.settings import settings

DONE = "done"
"""The position of an import that has read its whole file."""
BATCH = 1_000
"""Rows that are stored in one transaction."""
SKIPPED = "skipped"
"""The result of a row that is not about usage; the other results are those of events."""

_REPLAYED = "replays, which repeat the usage of an earlier call"

RowResult = UsageReport | Rejected | Skipped | Replay


@dataclass(slots=True)
class FileTally:
    """The results of a file's rows, and the number of rows and the first row of each reason."""

    file: str
    results: Counter[str] = field(default_factory=Counter)
    reasons: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def add(self, row: int, result: str, reason: str | None) -> None:
        """Count the result of a row."""
        self.results[result] += 1
        if reason:
            times, first = self.reasons.get((result, reason), (0, row))
            self.reasons[result, reason] = times + 1, first


@dataclass(frozen=True, slots=True)
class FileImport:
    """A file, the plan to read its rows, and the gateway and default mode of its requests.

    `source` is the key of the progress of its import.
    """

    table: FileTable
    plan: Plan
    gateway: str
    mode: str
    source: str
    dry_run: bool

    def check_sample(self) -> None:
        """Read the first rows. Raises InvalidInput if all of them are rejected."""
        reports = list(read_reports(self.table.sample, self.plan, self.mode))
        reasons = Counter(report.reason for report in reports if isinstance(report, Rejected))
        if reports and reasons.total() == len(reports):
            first = counted(len(reports), "row")
            raise InvalidInput(f"Not one of the first {first} can be taken. {reasons.most_common(1)[0][0]}")

    def progress(self) -> Progress | None:
        """Return the progress of an earlier import of the same file; None without one, and for a dry run."""
        return None if self.dry_run else run_in_reading(import_progress, self.source)

    def run(self, actor: Actor, start: int, tally: FileTally, advance: Advance) -> None:
        """Store the rows after the first `start` and count their results. Raises PortalError and OSError."""
        rows = read_rows(self.table, self.plan.needs, advance)
        entries, end = islice(read_reports(rows, self.plan, self.mode), start, None), start
        while batch := list(islice(entries, BATCH)):
            outcomes = run_in_transaction(store_batch, actor, self, batch, end + len(batch), utc_now())
            for row, (result, reason) in enumerate(_results(batch, outcomes), end + 1):
                tally.add(row, result, reason)
            end += len(batch)
        if not self.dry_run:
            run_in_transaction(_finish, actor, self, tally, end, utc_now())


def prepare_import(table: FileTable, plan: Plan, gateway: str | None, *, dry_run: bool) -> FileImport:
    """Return the import of a file; the default of `gateway` is the gateway of the file's format."""
    name = gateway or plan.format.gateway
    found = run_in_reading(gateway_named, name)
    with table.path.open("rb") as content:
        file_digest = hashlib.file_digest(content, "sha256").hexdigest()
    source = f"usage file {file_digest} {plan.digest()} {name}"
    return FileImport(table, plan, name, found.mode if found else "native", source, dry_run)


def store_batch(
    session: Session, actor: Actor, importing: FileImport, batch: Sequence[RowResult], rows: int, now: datetime
) -> list[Outcome]:
    """Store a batch with the progress of the import; return the outcome of each report. `rows` have been read so far.

    A dry run rolls back, so it finds duplicates of stored events and in the same batch, but not in earlier batches.
    """
    reports = [entry for entry in batch if isinstance(entry, UsageReport)]
    replays = sum(isinstance(entry, Replay) for entry in batch)
    gateway = import_gateway(session, actor, importing.gateway, now)
    outcomes = record_usage(session, gateway.id, reports, settings().budget_zone, now)
    count_uncounted(session, gateway.id, Uncounted(replays=replays), now)
    note_import_progress(session, importing.source, Progress("", rows), now)
    if importing.dry_run:
        session.rollback()
    return outcomes


def _finish(session: Session, actor: Actor, importing: FileImport, tally: FileTally, rows: int, now: datetime) -> None:
    """Store that a whole file was read, and an audit entry with the number of rows by result."""
    note_import_progress(session, importing.source, Progress(DONE, rows), now)
    counts = {str(result): count for result, count in sorted(tally.results.items())}
    target = f"gateway:{importing.gateway}"
    add_entry(session, actor, "usage.import", now, target=target, file=tally.file, rows=counts)


def _results(batch: Iterable[RowResult], outcomes: Iterable[Outcome]) -> Iterator[tuple[str, str | None]]:
    """Yield the result and the reason of each entry; `outcomes` are those of the reports among them, in order."""
    remaining = iter(outcomes)
    for entry in batch:
        match entry:
            case Rejected():
                yield Result.REJECTED, entry.reason
            case Skipped():
                yield SKIPPED, entry.reason
            case Replay():
                yield SKIPPED, _REPLAYED
            case _:
                outcome = next(remaining)
                yield outcome.result, outcome.error
