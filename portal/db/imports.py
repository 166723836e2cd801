"""How far imports have come."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from portal.db.sql.upsert import insert
from portal.db.tables import ImportProgress


class Progress(NamedTuple):
    """The importer's own mark of how far it has come, and how many rows of the source lie behind it."""

    position: str
    rows: int


def import_progress(session: Session, source: str) -> Progress | None:
    """Return how far the import of a source has come; None before it has brought anything."""
    row = session.get(ImportProgress, source)
    return None if row is None else Progress(row.position, row.rows)


def note_import_progress(session: Session, source: str, progress: Progress, now: datetime) -> None:
    """Note how far an import has come, in the transaction that stores what it brought."""
    values = {"position": progress.position, "rows": progress.rows, "updated_at": now}
    session.execute(
        insert(session, ImportProgress)
        .values(source=source, **values)
        .on_conflict_do_update(index_elements=["source"], set_=values)
    )
