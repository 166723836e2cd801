"""When the last page counts as closed."""

import asyncio

from portal.desktop.presence import Presence


async def test_last_closed_page_is_reported() -> None:
    gone = asyncio.Event()
    presence = Presence(gone.set, after=0)
    presence.opened()
    presence.closed()
    await asyncio.wait_for(gone.wait(), 5)


async def test_page_that_is_loaded_again_counts_as_open() -> None:
    gone = asyncio.Event()
    presence = Presence(gone.set, after=0)
    presence.opened()
    presence.closed()
    presence.opened()  # before the event loop goes on
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not gone.is_set()
    presence.closed()
    await asyncio.wait_for(gone.wait(), 5)


async def test_other_open_page_keeps_the_program() -> None:
    gone = asyncio.Event()
    presence = Presence(gone.set, after=0)
    presence.opened()
    presence.opened()
    presence.closed()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not gone.is_set()
