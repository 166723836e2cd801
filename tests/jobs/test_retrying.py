"""The work of a job is tried again after a failure."""

import logging
from datetime import datetime

import pytest

from portal.errors import Unavailable
from portal.jobs.retrying import run_until_done


async def test_work_is_repeated_until_it_succeeds(caplog: pytest.LogCaptureFixture) -> None:
    failures = iter([Unavailable(), ValueError("a bug")])

    def work(now: datetime) -> str:
        if failure := next(failures, None):
            raise failure
        return f"done in {now.year}"

    caplog.set_level(logging.WARNING, "portal")
    assert (await run_until_done(work, "the work", 0)).startswith("done in 20")
    assert [record.getMessage() for record in caplog.records] == [
        "the work waits for the database",
        "the work has failed",
    ]
