"""The nightly proof of all sums."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from portal.actions.metering.verification import verify_nightly
from portal.db.metering.verification import begin, last_verification
from portal.db.sql.session import Database, run_in_reading
from portal.db.tables import Account, UsageCounter
from portal.errors import Unavailable
from portal.jobs import verification
from portal.jobs.verification import first_start, next_start, run_nightly
from tests.cast import NOW, Gateway, report, run, send


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def used(alice: Account, bob: Account, gateway: Gateway) -> None:
    """Both have used something."""
    send(gateway, report("r-1"), report("r-2", username="bob"))


def test_numbers_that_tie_are_written_down_as_such(used: None) -> None:
    assert verify_nightly(NOW)
    last = run_in_reading(last_verification)
    assert last is not None
    assert (last.accounts, last.requests, last.differences) == (2, 2, 0)


def test_each_difference_is_counted_and_logged(used: None, alice: Account, caplog: pytest.LogCaptureFixture) -> None:
    wrong = update(UsageCounter).where(UsageCounter.account_id == alice.id, UsageCounter.period == "daily")
    run(lambda session: session.execute(wrong.values(tokens=1)))
    verify_nightly(NOW)
    last = run_in_reading(last_verification)
    assert last is not None
    assert last.differences == 1
    assert "alice" in caplog.text
    assert "daily counter of 2026-11-22: kept 1 token," in caplog.text


def test_of_several_servers_one_does_it_once_a_night(used: None) -> None:
    assert [verify_nightly(NOW), verify_nightly(NOW), verify_nightly(NOW + timedelta(days=1))] == [True, False, True]


def test_interrupted_verification_begins_again_after_hours(used: None) -> None:
    night = NOW.date()
    assert run(begin, night, NOW)
    assert not run(begin, night, NOW + timedelta(hours=5))
    assert run_in_reading(last_verification) is None
    assert run(begin, night, NOW + timedelta(hours=7))


@pytest.mark.parametrize(
    ("now", "start"),
    [
        pytest.param("2026-11-22 01:00", "2026-11-22 02:00", id="later this night"),
        pytest.param("2026-11-22 02:00", "2026-11-23 02:00", id="not twice at once"),
        pytest.param("2026-11-22 23:30", "2026-11-23 02:00", id="tomorrow in Berlin has begun already"),
        pytest.param("2026-10-24 12:00", "2026-10-25 01:00", id="three hours after midnight, also when clocks change"),
    ],
)
def test_it_begins_three_hours_after_midnight_of_the_budget_zone(now: str, start: str, settings_env: Any) -> None:
    settings_env(budget_timezone="Europe/Berlin")
    assert next_start(at(now)) == at(start)


def test_missed_night_is_verified_soon_after_the_start(used: None) -> None:
    soon = NOW + timedelta(minutes=10)
    assert first_start(NOW) == soon
    verify_nightly(NOW)
    assert first_start(NOW + timedelta(hours=1)) == next_start(NOW)
    assert first_start(NOW + timedelta(days=2)) == soon + timedelta(days=2)


async def test_a_database_that_is_away_is_tried_again(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    answers = [Unavailable(), Unavailable(), None]

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 4:
            raise asyncio.CancelledError

    def verify(now: datetime) -> None:
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    monkeypatch.setattr("portal.jobs.verification.asyncio.sleep", sleep)
    monkeypatch.setattr(verification, "first_start", lambda now: now + timedelta(hours=1))
    monkeypatch.setattr(verification, "verify_nightly", verify)
    with pytest.raises(asyncio.CancelledError):
        await run_nightly()
    assert answers == []
    assert waits[1:3] == [300, 300]
    assert 0 < waits[0] <= 86_400
    assert 0 < waits[3] <= 86_400


def test_failed_verification_begins_again(used: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise Unavailable

    with monkeypatch.context() as broken:
        broken.setattr("portal.actions.metering.verification.verify_account", fail)
        with pytest.raises(Unavailable):
            verify_nightly(NOW)
    assert run_in_reading(last_verification) is None
    assert verify_nightly(NOW)
