"""Figures are loaded once for all visible pages, and older ones never replace newer ones."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import pytest
import time_machine
from nicegui import ui
from nicegui.testing import User

from portal.errors import Unavailable
from portal.pages.components import live
from portal.pages.components.live import Page, Updated
from tests.cast import NOW


class Source:
    """Loads that wait until the test gives each of them its result."""

    def __init__(self) -> None:
        self.loads: list[asyncio.Future[str]] = []
        self._asked = asyncio.Condition()

    async def load(self) -> str:
        mine: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        async with self._asked:
            self.loads.append(mine)
            self._asked.notify_all()
        return await mine

    async def started(self, count: int) -> None:
        async with self._asked:
            await self._asked.wait_for(lambda: len(self.loads) >= count)


class Shown:
    """A page, and the figures that it has shown."""

    def __init__(self) -> None:
        self.views: list[str] = []
        self.words: list[str] = []
        updated = Updated(lambda text, _: self.words.append(text), lambda _: "now")
        self.page: Page[str] = live.open_page(self._show, updated)

    def _show(self, view: str, _: datetime) -> None:
        self.views.append(view)


@pytest.fixture
def open_one(user: User, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Awaitable[Shown]]:
    """Return a function that opens a page without a feed."""
    monkeypatch.setattr(live, "_feeds", {})
    monkeypatch.setattr(live, "_slots", asyncio.Semaphore(4))
    opened: list[Shown] = []

    @ui.page("/shown")
    async def page() -> None:
        opened.append(Shown())

    async def visit() -> Shown:
        await user.open("/shown")
        return opened[-1]

    return visit


async def test_pages_with_the_same_key_share_each_load(open_one) -> None:
    first, second, source = await open_one(), await open_one(), Source()
    followed = [asyncio.create_task(one.page.follow("key", source.load)) for one in (first, second)]
    await source.started(1)
    source.loads[0].set_result("a")
    await asyncio.gather(*followed)
    ticked = asyncio.create_task(live.tick())
    await source.started(2)
    source.loads[1].set_result("b")
    await ticked
    assert (first.views, second.views, len(source.loads)) == (["a", "b"], ["a", "b"], 2)


async def test_what_an_older_feed_still_loads_is_not_shown(open_one) -> None:
    one, old, new = await open_one(), Source(), Source()
    with time_machine.travel(NOW, tick=False):  # clocks are too coarse to order the two loads
        first = asyncio.create_task(one.page.follow("old", old.load))
        await old.started(1)
        second = asyncio.create_task(one.page.follow("new", new.load))
        await new.started(1)
        new.loads[0].set_result("new")
        await second
        old.loads[0].set_result("old")
        await first
    assert one.views == ["new"]


async def test_older_load_of_a_feed_does_not_replace_a_newer_one(open_one) -> None:
    one, source = await open_one(), Source()
    followed = asyncio.create_task(one.page.follow("key", source.load))
    await source.started(1)
    second = asyncio.create_task(one.page.refresh(at_once=True))
    await source.started(2)
    source.loads[1].set_result("after the action")
    await second
    source.loads[0].set_result("before the action")
    await followed
    assert one.views == ["after the action"]


async def test_failed_load_keeps_the_figures_and_shows_their_age(open_one) -> None:
    one, source = await open_one(), Source()
    followed = asyncio.create_task(one.page.follow("key", source.load))
    await source.started(1)
    source.loads[0].set_result("a")
    await followed
    ticked = asyncio.create_task(live.tick())
    await source.started(2)
    source.loads[1].set_exception(Unavailable())
    await ticked
    assert (one.views, one.words) == (["a"], ["Updated now", "As of now, retrying"])


async def test_hidden_page_is_refreshed_when_it_is_shown(open_one) -> None:
    one, source = await open_one(), Source()
    followed = asyncio.create_task(one.page.follow("key", source.load))
    await source.started(1)
    source.loads[0].set_result("a")
    await followed
    await one.page.look(is_visible=False)
    await live.tick()
    assert len(source.loads) == 1, "nobody looks, so nothing is asked"
    shown = asyncio.create_task(one.page.look(is_visible=True))
    await source.started(2)
    source.loads[1].set_result("b")
    await shown
    assert one.views == ["a", "b"]


async def test_hidden_page_gets_no_figures_of_another_page(open_one) -> None:
    hidden, seen, source = await open_one(), await open_one(), Source()
    followed = [asyncio.create_task(one.page.follow("key", source.load)) for one in (hidden, seen)]
    await source.started(1)
    source.loads[0].set_result("a")
    await asyncio.gather(*followed)
    await hidden.page.look(is_visible=False)
    ticked = asyncio.create_task(live.tick())
    await source.started(2)
    source.loads[1].set_result("b")
    await ticked
    assert (hidden.views, seen.views) == (["a"], ["a", "b"])


async def test_a_feed_ends_with_its_last_page(open_one) -> None:
    one, source = await open_one(), Source()
    followed = asyncio.create_task(one.page.follow("key", source.load))
    await source.started(1)
    source.loads[0].set_result("a")
    await followed
    one.page.client.delete()
    assert live._feeds == {}


async def test_refreshing_an_account_leaves_the_others_alone(open_one) -> None:
    alice, bob = await open_one(), await open_one()
    sources = Source(), Source()
    followed = [
        asyncio.create_task(one.page.follow(("usage", account, "x"), source.load))
        for account, (one, source) in enumerate(zip((alice, bob), sources, strict=True))
    ]
    for source in sources:
        await source.started(1)
        source.loads[0].set_result("a")
    await asyncio.gather(*followed)
    refreshed = asyncio.create_task(live.refresh_all(0))
    await sources[0].started(2)
    sources[0].loads[1].set_result("b")
    await asyncio.wait_for(refreshed, 5)
    assert (alice.views, bob.views) == (["a", "b"], ["a"])
