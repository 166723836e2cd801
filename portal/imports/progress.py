"""The transactions of a file import: each stores a batch of rows together with the progress of the import."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.actions.gateways import import_gateway
from portal.actions.usage import Outcome, record_usage
from portal.db.audit import add_entry
from portal.db.imports import Progress, note_import_progress
from portal.db.uncounted import Uncounted, count_uncounted
from portal.rules.actors import Actor
from portal.rules.usage import UsageReport
from portal.settings import settings

DONE = "done"
"""The position of an import that has read its whole file."""


@dataclass(frozen=True, slots=True)
class Target:
    """The gateway and the default mode of a file's requests; `source` is the key of the progress of its import."""

    gateway: str
    mode: str
    source: str
    dry_run: bool


def store_batch(
    session: Session,
    actor: Actor,
    target: Target,
    reports: Sequence[UsageReport],
    replays: int,
    rows: int,
    now: datetime,
) -> list[Outcome]:
    """Store reports and the number of replays; `rows` is the number of rows of the file that have been read.

    A dry run rolls back, so it finds duplicates of stored events and in the same batch, but not in earlier batches.
    """
    gateway = import_gateway(session, actor, target.gateway, now)
    outcomes = record_usage(session, gateway.id, reports, settings().budget_zone, now)
    count_uncounted(session, gateway.id, Uncounted(replays=replays), now)
    note_import_progress(session, target.source, Progress("", rows), now)
    if target.dry_run:
        session.rollback()
    return outcomes


def finish_import(
    session: Session, actor: Actor, target: Target, file: str, rows: int, results: Mapping[str, int], now: datetime
) -> None:
    """Store that a whole file was read, and an audit entry with the number of rows by result."""
    note_import_progress(session, target.source, Progress(DONE, rows), now)
    counts = {str(result): count for result, count in sorted(results.items())}
    add_entry(session, actor, "usage.import", now, gateway=target.gateway, file=file, **counts)
