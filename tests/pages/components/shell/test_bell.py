"""The bell on every page: it shows only the viewer's alerts, counts new ones at every tick, and opening reads them."""

import pytest
from nicegui.testing import User
from nicegui.testing.user_interaction import UserInteraction

from portal.actions.spending.budgets import set_budget
from portal.actions.spending.crossings import note_forecast
from portal.db.spending.crossings import count_unread
from portal.db.tables import Account
from portal.pages.components import live
from portal.rules.periods import Period
from portal.rules.spending.budgets import Limits
from portal.settings import settings
from tests.cast import NOW, OPERATOR, Gateway, report, run, send
from tests.pages.screen import tagged, texts, until

PAGE = "/user/keys"
pytestmark = pytest.mark.usefixtures("sunday_afternoon", "no_feeds")


def bell(visitor: User) -> str:
    return str(tagged(visitor, "bell").props["aria-label"])


@pytest.fixture
def spent(alice: Account, bob: Account, gateway: Gateway) -> None:
    """Alice and Bob have used 85 of 100 tokens today."""
    for account in (alice, bob):
        run(set_budget, OPERATOR, account.id, Limits(daily=100), NOW)
        send(gateway, report(account.username, username=account.username, prompt_tokens=85, completion_tokens=0))


async def test_what_is_unread_is_there_when_the_page_comes(visit, alice: Account, spent: None) -> None:
    visitor = await visit(alice)
    assert bell(visitor) == "Messages, 1 unread"


async def test_what_happens_later_shows_at_the_next_tick(visit, alice: Account, gateway: Gateway, spent: None) -> None:
    visitor = await visit(alice)
    send(gateway, report("more", prompt_tokens=20, completion_tokens=0))
    await live.tick()
    assert bell(visitor) == "Messages, 2 unread"


async def test_opening_it_is_seeing_it(visit, alice: Account, bob: Account, spent: None) -> None:
    visitor = await visit(alice)
    UserInteraction(visitor, {tagged(visitor, "bell")}, None).click()
    await until(lambda: bell(visitor) == "Messages")
    shown = texts(tagged(visitor, "bell-list"))
    assert "Daily budget passed 80 %" in shown
    assert "Today 15:05 · now 85.0\u00a0%" in shown
    await until(lambda: run(count_unread, alice.id) == 0)
    assert run(count_unread, bob.id) == 1


@pytest.mark.parametrize(
    ("period", "sentence"),
    [
        pytest.param(Period.MONTHLY, "Monthly budget will be used up before it resets", id="monthly"),
        pytest.param(Period.TOTAL, "Total budget will be used up within a week", id="total"),
    ],
)
async def test_forecast_is_listed(visit, alice: Account, period: Period, sentence: str) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(monthly=100, total=100), NOW)
    run(note_forecast, alice.id, period, settings().budget_zone, NOW)
    visitor = await visit(alice)
    UserInteraction(visitor, {tagged(visitor, "bell")}, None).click()
    await until(lambda: sentence in texts(tagged(visitor, "bell-list")))


async def test_bell_without_alerts_says_so(visit, charlie: Account, spent: None) -> None:
    visitor = await visit(charlie)
    assert bell(visitor) == "Messages"
    UserInteraction(visitor, {tagged(visitor, "bell")}, None).click()
    await until(lambda: any("Nothing yet" in text for text in texts(tagged(visitor, "bell-list"))))
