"""Windows of the one Chromium. They are used again, since in a new one it loads and compiles all scripts again."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext

Lender = Callable[..., BrowserContext]

TIMEOUT = 20_000
"""Milliseconds that an element may take to appear."""


class Contexts:
    """Contexts of a browser by their options; a used one keeps its cache of files, and nothing of a person."""

    def __init__(self, browser: Browser) -> None:
        """Start without contexts; the browser closes them."""
        self._browser = browser
        self._free: defaultdict[str, list[BrowserContext]] = defaultdict(list)

    @contextmanager
    def lend(self) -> Iterator[Lender]:
        """Yield a function that returns a context with given options, not used by anybody else in the block."""
        lent: list[tuple[str, BrowserContext]] = []

        def one(**options: Any) -> BrowserContext:
            key = str(sorted(options.items()))
            context = self._free[key].pop() if self._free[key] else self._browser.new_context(**options)
            context.set_default_timeout(TIMEOUT)
            lent.append((key, context))
            return context

        yield one
        for key, context in lent:
            _clear(context)
            self._free[key].append(context)


def _clear(context: BrowserContext) -> None:
    """Close its pages, with what they have in their `sessionStorage`; the portal uses no other storage."""
    for page in context.pages:
        page.close()
    context.clear_cookies()
    context.clear_permissions()
    context.unroute_all()
