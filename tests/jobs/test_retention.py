"""Old data are removed once a day, and the last run of a job is stored."""

import logging

import pytest

from portal.db.audit import add_entry
from portal.db.jobs import job_runs
from portal.db.sql.session import Database
from portal.errors import Conflict, Unavailable
from portal.jobs import retrying
from portal.jobs.retention import remove_old
from portal.jobs.retrying import run_until_done
from portal.rules.jobs import Job
from tests.cast import NOW, OPERATOR, audit_log, run


@pytest.fixture(autouse=True)
def nothing_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "_noted", {})


def test_old_data_are_removed_and_logged(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "portal")
    run(lambda session: add_entry(session, OPERATOR, "old", NOW.replace(year=2020)))
    assert remove_old(NOW) == 1
    assert [action for _, action, _ in audit_log()] == ["audit.prune"]
    assert caplog.messages[-1] == "removed old data: 1 audit"


@pytest.mark.parametrize(
    ("failure", "stored"),
    [
        (Conflict("Somebody was faster."), "Somebody was faster."),
        (ValueError("a secret"), "ValueError; the log has the details."),
    ],
)
async def test_failed_run_is_stored_until_one_succeeds(db: Database, failure: Exception, stored: str) -> None:
    failures = iter([failure])
    errors = []

    def work(_: object) -> None:
        if run_before := run(job_runs).get("retention"):
            errors.append(run_before.error)
        if error := next(failures, None):
            raise error

    await run_until_done(work, "the work", 0, job=Job.RETENTION)
    assert errors == [stored]
    (found,) = run(job_runs).values()
    assert (found.name, found.error) == ("retention", None)
    assert found.finished_at is not None
    assert found.started_at <= found.finished_at


async def test_repeated_success_is_stored_rarely(db: Database) -> None:
    await run_until_done(lambda now: now, "the work", 0, job=Job.RETENTION)
    first = run(job_runs)["retention"].started_at
    await run_until_done(lambda now: now, "the work", 0, job=Job.RETENTION)
    assert run(job_runs)["retention"].started_at == first


async def test_job_goes_on_when_its_run_cannot_be_stored(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise Unavailable

    monkeypatch.setattr(retrying, "in_transaction", fail)
    assert await run_until_done(lambda _: "done", "the work", 0, job=Job.RETENTION) == "done"
