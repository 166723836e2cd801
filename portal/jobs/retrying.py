"""Running the work of a job on a thread; a failure is logged and the work is tried again.

Decision: the last run of a named job is stored, for administrators, with the failure if it has failed. A job that
succeeds again and again is stored every five minutes, so that an idle portal hardly writes.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from portal.actions.jobs import note_job_run
from portal.clock import utc_now
from portal.db.sql.session import in_transaction
from portal.errors import PortalError, Unavailable
from portal.rules.jobs import Job

T = TypeVar("T")

log = logging.getLogger(__name__)

NOTED_EVERY = timedelta(minutes=5)
_noted: dict[Job, datetime] = {}
"""When this process last stored a success of a job."""


async def run_until_done(work: Callable[[datetime], T], name: str, pause: float, *, job: Job | None = None) -> T:
    """Run `work`, again `pause` seconds after every failure, until it succeeds; return its result.

    Stores the last run of `job`.
    """
    while True:
        started = utc_now()
        try:
            result = await asyncio.to_thread(work, started)
        except Unavailable:
            log.warning("%s waits for the database", name)
        except Exception as error:
            log.exception("%s has failed", name)
            await _note(job, started, _sentence(error))
        else:
            await _note(job, started, None)
            return result
        await asyncio.sleep(pause)


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, PortalError) else f"{type(error).__name__}; the log has the details."


async def _note(job: Job | None, started: datetime, error: str | None) -> None:
    if job is None or (error is None and job in _noted and started - _noted[job] < NOTED_EVERY):
        return
    try:
        await in_transaction(note_job_run, job.value, started, utc_now(), error)
    except Unavailable:
        log.warning("the run of a job could not be stored")
        return
    if error is None:
        _noted[job] = started
    else:
        _noted.pop(job, None)
