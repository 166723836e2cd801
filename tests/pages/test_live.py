"""Figures stay up to date: one load per tick for all tabs of an account, none for hidden tabs; old ones are marked."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from nicegui import ui
from nicegui.element import Element
from nicegui.testing import User
from nicegui.testing.user_interaction import UserInteraction

from portal.db.sql.session import in_reading
from portal.db.tables import Account
from portal.errors import Unavailable
from portal.pages.account import dashboard
from portal.pages.components import live
from tests.cast import NOW, Gateway, report, send
from tests.pages.screen import tagged, until

PAGE = "/user/dashboard"
pytestmark = pytest.mark.usefixtures("no_feeds")


@pytest.fixture(autouse=True)
def sunday_afternoon() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


class Loads:
    """Replaces the reading of the database by pages: it counts the calls, and fails on demand."""

    def __init__(self) -> None:
        self.of: list[int] = []
        self.failing: dict[int, Exception] = {}

    async def __call__(self, work: Any, account_id: int, *args: Any) -> Any:
        self.of.append(account_id)
        if account_id in self.failing:
            raise self.failing[account_id]
        return await in_reading(work, account_id, *args)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Loads:
    counted = Loads()
    monkeypatch.setattr(dashboard, "in_reading", counted)
    return counted


def texts(element: Element) -> list[str]:
    return [e.text for e in element.descendants(include_self=True) if isinstance(e, ui.label)]


def updated(visitor: User) -> str:
    return "".join(texts(tagged(visitor, "updated-at")))


def consumed(visitor: User) -> str:
    """Return the shown tokens of today."""
    card = tagged(visitor, "budget-card-daily")
    (figure,) = (e for e in card.descendants() if e.props.get("data-testid") == "consumed")
    return texts(figure)[0]


async def look(visitor: User, is_visible: bool) -> None:
    """Show or hide the tab, as portal.js reports it; NiceGUI writes its own events in camel case."""
    assert visitor.client is not None
    feeds = (feed for key, feed in live._feeds.items() if key != ("bell", key[1]))  # type: ignore[index]  # a tuple
    (page,) = (p for feed in feeds for p in feed.pages if p.client is visitor.client)
    UserInteraction(visitor, {visitor.client.layout}, None).trigger("portalVisible", is_visible)
    await until(lambda: page.is_visible is is_visible)


async def test_two_tabs_of_one_account_share_each_load(
    visit, alice: Account, gateway: Gateway, create_user, loads
) -> None:
    first, second = await visit(alice), await visit(alice, visitor=create_user())
    loads.of.clear()
    send(gateway, report())
    await live.tick()
    assert loads.of == [alice.id]
    assert (consumed(first), consumed(second)) == ("120", "120")
    await live.tick()
    assert loads.of == [alice.id] * 2


async def test_accounts_share_nothing(
    visit, alice: Account, bob: Account, gateway: Gateway, create_user, loads
) -> None:
    alices, bobs = await visit(alice), await visit(bob, visitor=create_user())
    loads.of.clear()
    send(gateway, report("a", prompt_tokens=1000), report("b", username="bob", prompt_tokens=7000))
    await live.tick()
    assert sorted(loads.of) == sorted([alice.id, bob.id])
    assert (consumed(alices), consumed(bobs)) == ("1,020", "7,020")


async def test_hidden_tab_is_refreshed_when_it_is_shown(visit, alice: Account, gateway: Gateway, create_user) -> None:
    hidden, seen = await visit(alice), await visit(alice, visitor=create_user())
    await look(hidden, False)
    send(gateway, report())
    await live.tick()
    assert (consumed(hidden), consumed(seen)) == ("0", "120")
    await look(hidden, True)
    await until(lambda: consumed(hidden) == "120")


async def test_nothing_is_loaded_while_nobody_looks(visit, alice: Account, loads) -> None:
    user = await visit(alice)
    await look(user, False)
    loads.of.clear()
    await live.tick()
    assert loads.of == []


async def test_nothing_is_loaded_for_closed_tabs(visit, alice: Account, loads) -> None:
    user = await visit(alice)
    user.client.delete()
    loads.of.clear()
    await live.tick()
    assert loads.of == []
    assert live._feeds == {}


async def test_failed_load_keeps_the_figures_and_shows_their_age(
    visit, alice: Account, gateway: Gateway, loads, sunday_afternoon
) -> None:
    send(gateway, report("r-1"))
    user = await visit(alice)
    assert "15:05:00" in updated(user)
    send(gateway, report("r-2"))
    loads.failing[alice.id] = Unavailable()
    sunday_afternoon.shift(timedelta(seconds=10))
    await live.tick()
    assert updated(user) == "As of 15:05:00, retrying"
    assert consumed(user) == "120"
    loads.failing.clear()
    sunday_afternoon.shift(timedelta(seconds=10))
    await live.tick()
    assert "15:05:20" in updated(user)
    assert "retrying" not in updated(user)
    assert consumed(user) == "240"


async def test_a_page_whose_first_load_failed_is_filled_by_a_later_one(
    visit, alice: Account, gateway: Gateway, loads
) -> None:
    send(gateway, report())
    loads.failing[alice.id] = Unavailable()
    user = await visit(alice)
    assert "retrying" in updated(user)
    assert consumed(user) == ""
    loads.failing.clear()
    await live.tick()
    assert consumed(user) == "120"
    assert "retrying" not in updated(user)


async def test_the_trouble_of_one_is_not_that_of_another(
    visit, alice: Account, bob: Account, gateway: Gateway, create_user, loads
) -> None:
    alices, bobs = await visit(alice), await visit(bob, visitor=create_user())
    loads.failing[alice.id] = Unavailable()
    send(gateway, report(username="bob"))
    await live.tick()
    assert "retrying" in updated(alices)
    assert consumed(bobs) == "120"
    assert "retrying" not in updated(bobs)


async def test_a_bug_in_a_load_is_logged_and_looks_like_trouble(
    visit, alice: Account, loads, caplog: pytest.LogCaptureFixture
) -> None:
    user = await visit(alice)
    loads.failing[alice.id] = RuntimeError("a bug")
    await live.tick()
    assert "retrying" in updated(user)
    assert [record.levelname for record in caplog.records if record.name == live.log.name] == ["ERROR"]
    caplog.clear()  # or NiceGUI's plugin fails the test for it


async def test_action_starts_a_load_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[asyncio.Event] = []

    async def load() -> int:
        begun.append(asyncio.Event())
        mine = len(begun)
        await begun[-1].wait()
        return mine

    feed = live.Feed(load)
    shown: list[int] = []

    class Page:
        def show(self, loaded: live.Loaded[int], _: object) -> None:
            shown.append(loaded.view)

    feed.pages.add(Page())  # type: ignore[arg-type]  # all that a feed needs of a page
    joined = [asyncio.create_task(feed.refresh()) for _ in range(3)]
    await until(lambda: len(begun) == 1)
    second = asyncio.create_task(feed.refresh(at_once=True))
    await until(lambda: len(begun) == 2)
    begun[1].set()
    await second
    assert shown == [2]
    begun[0].set()
    await asyncio.gather(*joined)
    assert len(begun) == 2


async def test_an_older_load_never_replaces_a_newer_one(visit, alice: Account, gateway: Gateway) -> None:
    user = await visit(alice)
    feed = live._feeds["dashboard", alice.id]
    (page,) = feed.pages
    older = await feed.latest()
    send(gateway, report())
    newer = await feed.latest()
    page.show(live.Loaded(newer.view, NOW + timedelta(seconds=2)), feed)
    page.show(live.Loaded(older.view, NOW + timedelta(seconds=1)), feed)
    assert consumed(user) == "120"
    assert "15:05:02" in updated(user)
