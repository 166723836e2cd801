"""Figures that stay up to date: one load per tick for all open pages with the same figures.

Decision: one NiceGUI timer for the whole server, not one per page. A tick loads each feed with visible pages once, and
passes the result to all of them, which change their elements. A hidden tab gets nothing until it is shown; then it is
refreshed at once. After a failed load the old figures stay, with their age.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from nicegui import Client, app, ui

from portal.clock import utc_now
from portal.errors import PortalError, Unavailable
from portal.pages.open_pages import recheck
from portal.settings import settings
from portal.words import _

View = TypeVar("View")

log = logging.getLogger(__name__)

PATIENCE = 0.25
"""Seconds that a page waits for its first figures; after them it is sent with skeletons."""
_AT_ONCE = 4
"""Most loads that run at the same time, so that threads remain for actions."""


@dataclass(frozen=True, slots=True)
class Loaded(Generic[View]):
    """A view and when it was loaded."""

    view: View
    at: datetime


class Feed(Generic[View]):
    """A view that several open pages of one account show; it is loaded once for all of them."""

    def __init__(self, load: Callable[[], Awaitable[View]]) -> None:
        """Load with `load`."""
        self.load = load
        self.pages: set[Page[View]] = set()
        self._pending: asyncio.Task[Loaded[View]] | None = None

    async def latest(self) -> Loaded[View]:
        """Return a view that is loaded after this call; calls at the same time share one load."""
        if self._pending is None or self._pending.done():
            self._pending = asyncio.create_task(self._load())
        return await asyncio.shield(self._pending)

    async def refresh(self, *, at_once: bool = False) -> None:
        """Load, and pass the result to every visible page; with `at_once` do not join a load that has started."""
        if at_once:
            self._pending = None
        try:
            loaded = await self.latest()
        except Exception as error:  # after any failure the pages must show that their figures are old
            if not isinstance(error, PortalError):
                log.exception("a refresh failed")
            for page in list(self.pages):
                page.fail(self)
            return
        for page in list(self.pages):
            page.show(loaded, self)

    async def _load(self) -> Loaded[View]:
        at = utc_now()
        return Loaded(await self.load(), at)


class Page(Generic[View]):
    """An open page that shows a feed, and may change to another one."""

    def __init__(self, client: Client, show: Callable[[View, datetime], None], updated: "Updated") -> None:
        """Store `show`, which is called in the context of the page's client."""
        self.client = client
        self.is_visible = True
        self._show = show
        self._updated = updated
        self._key: Hashable = None
        self._feed: Feed[View] | None = None
        self._at: datetime | None = None

    async def follow(self, key: Hashable, load: Callable[[], Awaitable[View]]) -> None:
        """Show the results of `load` from now on, in place of the feed shown before.

        A result of an older feed that arrives later is not shown. If the first figures take too long, the page is sent
        with its skeletons.
        """
        feed = self.join(key, load)
        first = asyncio.create_task(feed.latest())
        if not self.client.has_socket_connection:
            done, _unused = await asyncio.wait({first}, timeout=PATIENCE)
            if not done:
                await self.client.connected()
        try:
            self.show(await first, feed)
        except Unavailable:
            self.fail(feed)

    async def refresh(self, *, at_once: bool = False) -> None:
        """Load and show; with `at_once`, as after an action, do not join a load that has started."""
        if self._feed is not None:
            await self._feed.refresh(at_once=at_once)

    def show(self, loaded: Loaded[View], feed: Feed[View]) -> None:
        """Show newer figures, unless the tab is hidden or the page shows another feed now."""
        is_late = self._at is not None and loaded.at < self._at
        if self.client.is_deleted or not self.is_visible or feed is not self._feed or is_late:
            return
        self._at = loaded.at
        with self.client:
            self._show(loaded.view, loaded.at)
            self._updated.fresh(loaded.at)

    def fail(self, feed: Feed[View]) -> None:
        """Show that the figures are old."""
        if not self.client.is_deleted and feed is self._feed:
            with self.client:
                self._updated.stale()

    async def look(self, is_visible: bool) -> None:
        """Record whether the tab is visible; when it becomes visible, refresh it at once."""
        was_visible, self.is_visible = self.is_visible, is_visible
        if is_visible and not was_visible:
            await self.refresh()

    def leave(self) -> None:
        """Stop following the feed."""
        feed, self._feed = self._feed, None
        if feed is None:
            return
        feed.pages.discard(self)
        if not feed.pages and _feeds.get(self._key) is feed:
            del _feeds[self._key]

    def join(self, key: Hashable, load: Callable[[], Awaitable[View]]) -> Feed[View]:
        """Show the results of `load` from the next refresh on, in place of the feed shown before."""
        self.leave()
        feed: Feed[View] = _feeds.setdefault(key, Feed(load))
        feed.pages.add(self)
        self._key, self._feed, self._at = key, feed, None
        return feed


class Updated:
    """The time when the figures of a page were loaded, and whether the last load failed."""

    def __init__(self, write: Callable[[str, bool], None], clock: Callable[[datetime], str]) -> None:
        """Call `write` with a text and whether the figures are old; `clock` formats an instant."""
        self._write = write
        self._clock = clock
        self._at: datetime | None = None

    def fresh(self, at: datetime) -> None:
        """Record a successful load."""
        self._at = at
        self._write(_("Updated {clock}", clock=self._clock(at)), False)

    def stale(self) -> None:
        """Record a failed load."""
        if self._at is None:
            self._write(_("Not read yet, retrying"), True)
        else:
            self._write(_("As of {clock}, retrying", clock=self._clock(self._at)), True)


_feeds: dict[Hashable, Feed[Any]] = {}
_slots = asyncio.Semaphore(_AT_ONCE)


def open_page(show: Callable[[View, datetime], None], updated: Updated) -> Page[View]:
    """Return the `Page` of the page that is being built; `follow` keeps it up to date."""
    client = ui.context.client
    page = Page(client, show, updated)
    client.on_delete(page.leave)
    ui.on("portal-visible", lambda event: page.look(bool(event.args)))
    return page


async def live(
    key: Hashable,
    load: Callable[[], Awaitable[View]],
    show: Callable[[View, datetime], None],
    updated: Updated,
) -> Page[View]:
    """Show the result of `load` now and at every tick; pages with the same `key` share each load.

    `key` is a tuple of everything that `load` depends on: its kind, its account, other values. Return the page; after
    an action call its `refresh(at_once=True)`.
    """
    page = open_page(show, updated)
    await page.follow(key, load)
    return page


def follow_later(
    key: Hashable, load: Callable[[], Awaitable[View]], show: Callable[[View, datetime], None]
) -> Page[View]:
    """Show the result of `load` from the next tick on; for a page that is sent with its first figures."""
    page = open_page(show, Updated(lambda *_unused: None, str))
    page.join(key, load)
    return page


async def tick() -> None:
    """Refresh every feed with visible pages; a failed feed does not stop the others.

    Pages of sessions that have ended are closed first, so that they get no newer figures.
    """
    await recheck()

    async def refresh(feed: Feed[Any]) -> None:
        async with _slots:
            await feed.refresh()

    watched = [feed for feed in _feeds.values() if any(page.is_visible for page in feed.pages)]
    await asyncio.gather(*map(refresh, watched))


async def refresh_all(account_id: int) -> None:
    """Refresh all open pages of an account at once, after an action that changes several of them.

    The second value of every feed's key is the account.
    """
    own = [feed for key, feed in _feeds.items() if isinstance(key, tuple) and key[1:2] == (account_id,)]
    await asyncio.gather(*(feed.refresh(at_once=True) for feed in own))


def start() -> None:
    """Start the timer, which ticks every PORTAL_REFRESH_SECONDS."""
    _feeds.clear()
    app.timer(settings().refresh_seconds, tick, immediate=False)
