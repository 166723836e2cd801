"""Fixtures of the tests of pages."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest
import time_machine
from nicegui.functions.navigate import History
from nicegui.testing import User

from portal.db.tables import Account
from portal.pages import administration, include_pages, open_pages
from portal.pages.admin import connect
from portal.pages.components import live
from portal.web.visitors import cookie_name
from tests.cast import NOW
from tests.pages.screen import elements, texts, until

SERVER_PAGES = administration.PAGES
"""Imported before a test: NiceGUI unloads the modules of pages that a test imports."""


@pytest.fixture(autouse=True)
def no_page_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the pages that earlier tests left open: their sessions are in a database that does not exist any more."""
    for of_the_process in ("_open", "_session_of", "_driven", "_turns"):
        monkeypatch.setattr(open_pages, of_the_process, {})


@pytest.fixture(autouse=True)
def patient_light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the connection of a new key or gateway be checked once, so that no test ends during a second check."""
    monkeypatch.setattr(connect, "LOOKS_EVERY", 3600)


@pytest.fixture
def sunday_afternoon() -> Iterator[time_machine.Traveller]:
    """Set the clock of the pages to the cast's NOW."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def no_feeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the feeds of earlier tests."""
    monkeypatch.setattr(live, "_feeds", {})
    monkeypatch.setattr(live, "_slots", asyncio.Semaphore(4))


@pytest.fixture
def still_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ignore changes of the address, since there is no browser."""
    monkeypatch.setattr(History, "replace", lambda *_: None)


@pytest.fixture
def visit(
    user: User, sign_in_as: Callable[[Account], str], request: pytest.FixtureRequest
) -> Callable[..., Awaitable[User]]:
    """Return a function that signs an account in and opens the page at the `PAGE` of the test's module.

    `await visit(alice)`, `await visit(alice, "range=90")`, `await visit(admin, "/admin/gateways/1")`, and
    `await visit(bob, visitor=create_user())` beside another page.
    """
    include_pages()

    async def open_page(account: Account, query: str = "", visitor: User = user) -> User:
        visitor.http_client.cookies.set(cookie_name(), sign_in_as(account))
        address = query if query.startswith("/") else f"{request.module.PAGE}?{query}".rstrip("?")
        await visitor.open(address)
        await until(lambda: has_loaded(visitor))
        return visitor

    return open_page


def has_loaded(visitor: User) -> bool:
    """Return whether a live page shows the time of its update; other pages are complete at once."""
    marks = [element for element in elements(visitor) if element.props.get("data-testid") == "updated-at"]
    return all("".join(texts(mark)) for mark in marks)
