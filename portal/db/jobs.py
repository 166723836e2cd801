"""The last runs of background jobs."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.sql.upsert import upsert
from portal.db.tables import JobRun


def note_job_run(session: Session, name: str, started: datetime, finished: datetime, error: str | None) -> None:
    """Store the last run of a job."""
    upsert(session, JobRun, {"name": name}, {"started_at": started, "finished_at": finished, "error": error})


def job_runs(session: Session) -> dict[str, JobRun]:
    """Return the last run of each job that has run, by name."""
    return {row.name: row for row in session.scalars(select(JobRun))}
