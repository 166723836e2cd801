import asyncio
from contextlib import suppress

import pytest

from portal.actions.spending.budgets import set_budget
from portal.clock import utc_now
from portal.db.tables import Account
from portal.jobs import notices
from portal.jobs.notices import run_notices, show_new
from portal.rules.spending.budgets import Limits
from portal.system.notices import CannotNotify
from tests.cast import OPERATOR, Gateway, report, run, send
from tests.desktops import create_local, use_desktop

Shown = list[tuple[str, str]]


@pytest.fixture
def local(db: object) -> Account:
    account = create_local()
    run(set_budget, OPERATOR, account.id, Limits(daily=10_000, total=1_000_000), utc_now())
    return account


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """The notifications that the system has taken."""
    taken: Shown = []
    monkeypatch.setattr(notices, "show_notice", lambda *texts: taken.append(texts))
    return taken


def use(gateway: Gateway, id: str, tokens: int) -> None:
    now = utc_now()
    send(gateway, report(id, username="local", prompt_tokens=tokens, completion_tokens=0, requested_at=now), now=now)


def test_crossing_is_shown_once(local: Account, gateway: Gateway, shown: Shown) -> None:
    use(gateway, "a", 8123)
    assert (show_new(utc_now()), show_new(utc_now())) == (1, 0)
    assert shown == [("Daily budget passed 80 %", "8,123 of 10,000 billable tokens")]


def test_crossing_is_shown_in_the_language_of_the_account(local: Account, gateway: Gateway, shown: Shown) -> None:
    def speak_german(session: object) -> None:
        session.get_one(Account, local.id).language = "de"  # type: ignore[attr-defined]

    run(speak_german)
    use(gateway, "a", 10_000)
    show_new(utc_now())
    assert shown == [("Tageskontingent aufgebraucht", "10.000 von 10.000 abrechenbaren Token")]


def test_refused_notification_does_not_hold_back_the_next(
    local: Account, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def refuse_first(title: str, text: str) -> None:
        asked.append(title)
        if len(asked) == 1:
            raise CannotNotify

    monkeypatch.setattr(notices, "show_notice", refuse_first)
    run(set_budget, OPERATOR, local.id, Limits(daily=10_000, monthly=10_000), utc_now())
    use(gateway, "a", 10_000)
    assert show_new(utc_now()) == 1
    assert asked == ["Daily budget used up", "Monthly budget used up"]
    assert show_new(utc_now()) == 0


async def test_job_shows_crossings_while_the_program_runs(
    local: Account, gateway: Gateway, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_desktop()
    monkeypatch.setattr(notices, "EVERY", 0.01)
    job = asyncio.create_task(run_notices())
    await asyncio.to_thread(use, gateway, "a", 8000)
    while not shown:
        assert not job.done()
        await asyncio.sleep(0.01)
    job.cancel()
    with suppress(asyncio.CancelledError):
        await job
    assert len(shown) == 1


async def test_server_has_no_such_job(local: Account) -> None:
    await asyncio.wait_for(run_notices(), 5)
