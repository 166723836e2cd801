"""The open pages: how many there are, and when the last one has been closed."""

import asyncio
from collections.abc import Callable

GONE_AFTER = 5.0
"""Seconds without a page after which the last one counts as closed; a page that is loaded again needs less."""


class Presence:
    """Counts open pages. Used in the event loop of the server."""

    def __init__(self, gone: Callable[[], None], after: float = GONE_AFTER) -> None:
        """Call `gone` when no page has been open for `after` seconds, and there was one before."""
        self._gone = gone
        self._after = after
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def opened(self) -> None:
        """Count a page more."""
        self._count += 1
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def closed(self) -> None:
        """Count a page less."""
        self._count -= 1
        if self._count == 0:
            self._timer = asyncio.get_running_loop().call_later(self._after, self._gone)
